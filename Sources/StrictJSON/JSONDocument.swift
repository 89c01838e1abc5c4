// JSON as the HTTP contract wants it read: UTF-8, no duplicate keys, no lone surrogates, bounded depth, and every number
// and string still there as it was sent. It knows nothing of jobs, of HTTP, and of Foundation.
//
// A text is scanned once, into a flat tape of entries that point back into its bytes (JSONTape.swift). Nothing is
// converted before it is asked for, so what is only passed on (`args`, `metadata`) costs its scan and no more.

/// A JSON text that was read and found right. A value: it may be shared between threads.
public struct JSONDocument: Sendable {
  let storage: JSONStorage

  /// Reads a text of RFC 8259, all of it.
  ///
  /// Beyond the RFC's grammar it refuses what readers disagree on: a byte order mark, invalid UTF-8, `\u` escapes of lone
  /// surrogates, and two members of one object whose keys are equal once unescaped. Time and memory are linear in the
  /// text, whatever it holds.
  ///
  /// - Parameter maxDepth: how many arrays and objects may stand inside one another; `[[1]]` has two.
  /// - Throws: ``JSONSyntaxError`` for the first place at which the text goes wrong.
  public static func parse(_ bytes: [UInt8], maxDepth: Int = 64) throws(JSONSyntaxError) -> JSONDocument {
    do throws(JSONRefusal) {
      let tape = try bytes.withUnsafeBufferPointer { (text) throws(JSONRefusal) -> [TapeEntry] in
        var parser = JSONParser(text: text, maxDepth: maxDepth)
        try parser.parseText()
        return parser.tape
      }
      return JSONDocument(storage: JSONStorage(bytes: bytes, tape: tape))
    } catch {
      throw JSONSyntaxError(error, in: bytes)
    }
  }

  /// The value that the text is.
  public var root: JSONNode { JSONNode(storage: storage, index: 0) }
}
