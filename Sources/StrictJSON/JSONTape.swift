// The tape: all values of a text in the order in which they begin, each followed by what it contains. An object's
// members are a key and a value in turn.
//
//   {"a": [1, 2], "b": null}
//
//   index   0       1    2      3  4  5    6
//   entry   object  "a"  array  1  2  "b"  null
//   next    7       2    5      4  5  6    7
//   count   2            2

/// One value or key of a text. 20 bytes: an offset is 32 bits wide, which limits a text to 4 GiB.
struct TapeEntry: Sendable {
  /// Offsets of the first byte and past the last; a string's quotes are included.
  var start: UInt32
  var end: UInt32
  /// Index of the entry that follows this one and all that it contains. While a container is still open during the scan:
  /// index of the container around it, which makes a stack of them without an allocation.
  var next: UInt32
  /// Members of an object, elements of an array.
  var count: UInt32
  var kind: JSONKind
  /// A string that must be unescaped to be read or compared.
  var hasEscapes: Bool
}

/// What the nodes of one document share; never changed once made.
final class JSONStorage: Sendable {
  let bytes: [UInt8]
  let tape: [TapeEntry]

  init(bytes: [UInt8], tape: [TapeEntry]) {
    self.bytes = bytes
    self.tape = tape
  }
}
