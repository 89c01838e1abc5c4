import HandlerAPI

/// Lines, words and bytes of a body of any size, or of `{"text": "…"}`.
///
/// Lines are newline bytes. Words are the longest runs of bytes that are not white space, as POSIX words it: space, `\t`,
/// `\n`, `\v`, `\f`, `\r`. On text this is what `wc` prints. On binary bytes GNU wc before 9.5 differs: there a run counts
/// as a word only if it holds a printable character of the locale. White space beyond ASCII does not end a word here.
public struct WordCount: Handler {
  public struct Output: Encodable, Sendable {
    public var lines: Int
    public var words: Int
    public var bytes: Int
  }

  public static let name = "word_count"
  public static let summary = "Lines, words and bytes of the request body, or of a text, as wc counts."

  /// `{"text": "…"}`
  public static var argumentsInsteadOfBody: (any (Decodable & Sendable).Type)? { TextArgs.self }

  public init() {}

  public func run(_ input: RawBody, _ context: JobContext) async throws -> Output {
    var counter = WordCounter()
    try BodyOrText.forEachPiece(input, context) { counter.consume($0) }
    return Output(lines: counter.lines, words: counter.words, bytes: counter.bytes)
  }
}

/// Counts over pieces of a text; a word may span pieces.
struct WordCounter {
  private(set) var lines = 0
  private(set) var words = 0
  private(set) var bytes = 0
  private var lastWasSpace = true

  /// A word begins where a byte is no white space and the one before it is. Free of branches: on text they would be
  /// mispredicted at every word's end.
  mutating func consume(_ piece: UnsafeRawBufferPointer) {
    bytes += piece.count
    var lastWasSpace = lastWasSpace ? 1 : 0
    for byte in piece {
      let isSpace = (byte == 32 ? 1 : 0) | (byte &- 9 < 5 ? 1 : 0)
      lines &+= byte == 10 ? 1 : 0
      words &+= lastWasSpace & (isSpace ^ 1)
      lastWasSpace = isSpace
    }
    self.lastWasSpace = lastWasSpace == 1
  }
}
