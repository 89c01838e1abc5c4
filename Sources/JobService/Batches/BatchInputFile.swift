// The inputs of a batch between its submission and the moment when all of them are rows: one spool file, a record each.
//
// A record is its length, four bytes with the least first, and the input's JSON text.

import CLinux
import Glibc
import JobStore

enum BatchInputFile {
  static func failure(_ operation: String) -> StoreError {
    StoreError(.unavailable, operation: operation, cause: String(cString: strerror(errno)))
  }

  /// Writes one file, record by record. All of it blocks.
  struct Writer: ~Copyable {
    let name = SpoolFolder.newName()
    private let spool: SpoolFolder
    private let descriptor: Int32
    private var buffer: [UInt8] = []
    private(set) var count = 0

    private static let bufferBytes = 256 * 1024

    init(_ spool: SpoolFolder) throws(StoreError) {
      self.spool = spool
      descriptor = try spool.createFile(name)
    }

    deinit { close(descriptor) }

    mutating func append(_ text: [UInt8]) throws(StoreError) {
      for shift in stride(from: 0, to: 32, by: 8) { buffer.append(UInt8(truncatingIfNeeded: text.count >> shift)) }
      buffer += text
      count += 1
      if buffer.count >= Self.bufferBytes { try flush() }
    }

    /// When it returns, the file survives power loss.
    mutating func finish() throws(StoreError) {
      try flush()
      try spool.makeDurable(descriptor)
    }

    private mutating func flush() throws(StoreError) {
      var written = 0
      while written < buffer.count {
        let count = buffer.withUnsafeBytes { bytes in
          write(descriptor, bytes.baseAddress?.advanced(by: written), bytes.count - written)
        }
        if count < 0 && errno != EINTR { throw failure("write a batch's inputs") }
        written += max(count, 0)
      }
      buffer.removeAll(keepingCapacity: buffer.capacity < 1 << 20)
    }
  }

  /// Some of a file's records, and where the one behind them begins.
  struct Piece: Sendable {
    var texts: [[UInt8]] = []
    var end: Int
  }

  /// Reads at most `limit` records from `offset` on, and no more than about `bytes` of them, but always one. Blocks.
  static func read(
    _ name: String, in spool: SpoolFolder, from offset: Int, limit: Int, bytes: Int = 256 * 1024
  ) throws(StoreError) -> Piece {
    let descriptor = try spool.openFile(name)
    defer { close(descriptor) }
    var piece = Piece(end: offset)
    var window = try read(descriptor, at: offset, upTo: bytes)
    while piece.texts.count < limit {
      let start = piece.end - offset
      guard start + 4 <= window.count else { break }
      let length = (0..<4).reduce(0) { $0 | Int(window[start + $1]) << (8 * $1) }
      if start + 4 + length > window.count {
        if !piece.texts.isEmpty { break }
        // One input that is larger than a whole piece usually is.
        window = try read(descriptor, at: offset, upTo: 4 + length)
        guard 4 + length <= window.count else { break }
      }
      piece.texts.append(Array(window[(start + 4)..<(start + 4 + length)]))
      piece.end += 4 + length
    }
    guard !piece.texts.isEmpty else {
      throw StoreError(.unusable, operation: "read a batch's inputs", cause: "\(name) ends at \(offset)")
    }
    return piece
  }

  private static func read(_ descriptor: Int32, at offset: Int, upTo count: Int) throws(StoreError) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let read = bytes.withUnsafeMutableBytes { buffer in
        pread(descriptor, buffer.baseAddress?.advanced(by: filled), count - filled, off_t(offset + filled))
      }
      if read < 0 && errno != EINTR { throw failure("read a batch's inputs") }
      if read == 0 { break }
      filled += max(read, 0)
    }
    return filled == count ? bytes : Array(bytes[..<filled])
  }
}
