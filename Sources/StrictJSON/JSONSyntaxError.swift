/// Why a text is not JSON (as ``JSONDocument/parse(_:maxDepth:)`` reads it), and where.
public struct JSONSyntaxError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Counted from 1. Lines end at LF, CR LF or CR.
  public let line: Int
  /// Counted from 1, in Unicode scalars from the line's beginning (in bytes where the text is not UTF-8).
  public let column: Int
  /// A phrase for people, such as `the key "a" stands twice in this object`.
  public let detail: String

  public init(line: Int, column: Int, detail: String) {
    self.line = line
    self.column = column
    self.detail = detail
  }

  public var description: String { "line \(line), column \(column): \(detail)" }

  /// Counts lines only now that there is an error to place: a good text is not slowed down by it.
  init(_ refusal: JSONRefusal, in bytes: [UInt8]) {
    var line = 1
    var column = 1
    var previous: UInt8 = 0
    for byte in bytes[..<min(refusal.offset, bytes.count)] {
      switch byte {
      case UInt8(ascii: "\n") where previous == UInt8(ascii: "\r"): break
      case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
        line += 1
        column = 1
      case 0x80...0xBF: if previous < 0x80 { column += 1 }  // a continuation byte that continues nothing
      default: column += 1
      }
      previous = byte
    }
    self.init(line: line, column: column, detail: refusal.detail)
  }
}

/// A place in the text, by its byte, and what is wrong there.
struct JSONRefusal: Error {
  let offset: Int
  let detail: String
}
