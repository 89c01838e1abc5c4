// PNG (ISO/IEC 15948:2003, https://www.w3.org/TR/png/) of 8-bit RGB pictures, written row by row: only the compressed
// bytes are kept.

import CZlib
import HandlerAPI

/// Owns a zlib stream. Append every row, then finish.
final class PNGWriter {
  private var bytes: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
  private let width: Int
  private let height: Int
  private var rowsAppended = 0
  /// On the heap: zlib keeps a pointer back to the stream and refuses one that moved.
  private let stream: UnsafeMutablePointer<z_stream>
  /// One IDAT chunk's worth of compressed bytes.
  private let output: UnsafeMutableBufferPointer<UInt8>
  private var filtered: [UInt8]

  /// The largest side that a picture of ours has; the format's own limit is 2³¹ − 1.
  static let largestSide = 65_535
  private static let chunkBytes = 64 * 1024

  init(width: Int, height: Int) throws(HandlerError) {
    precondition((1...Self.largestSide).contains(width) && (1...Self.largestSide).contains(height), "no such picture")
    self.width = width
    self.height = height
    filtered = [UInt8](repeating: 0, count: 1 + 3 * width)
    stream = .allocate(capacity: 1)
    stream.initialize(to: z_stream())
    output = .allocate(capacity: Self.chunkBytes)
    let status = zlib_deflate_init(stream, Z_DEFAULT_COMPRESSION)
    guard status == Z_OK else { throw HandlerError("zlib cannot begin to compress (\(status))") }
    stream.pointee.next_out = output.baseAddress
    stream.pointee.avail_out = UInt32(output.count)
    // Bit depth 8, colour type 2 (RGB), then the only compression and filter methods there are, not interlaced.
    appendChunk("IHDR", bigEndian(UInt32(width)) + bigEndian(UInt32(height)) + [8, 2, 0, 0, 0])
  }

  deinit {
    // Harmless on a stream whose init failed: it then only reports so.
    deflateEnd(stream)
    stream.deallocate()
    output.deallocate()
  }

  /// Appends the next row, `3 · width` bytes: red, green, blue of each pixel from the left.
  func append(_ row: [UInt8]) throws(HandlerError) {
    precondition(row.count == 3 * width && rowsAppended < height, "a row of another picture")
    rowsAppended += 1
    // Filter 1, "Sub": the difference to the pixel on the left; smooth colours compress by another half.
    filtered[0] = 1
    for index in 0..<row.count { filtered[index + 1] = index < 3 ? row[index] : row[index] &- row[index - 3] }
    var failure: Int32 = Z_OK
    filtered.withUnsafeMutableBufferPointer { input in
      stream.pointee.next_in = input.baseAddress
      stream.pointee.avail_in = UInt32(input.count)
      while failure == Z_OK && stream.pointee.avail_in > 0 {
        failure = deflate(stream, Z_NO_FLUSH)
        if stream.pointee.avail_out == 0 { emitImageData() }
      }
    }
    guard failure == Z_OK else { throw HandlerError("zlib cannot compress (\(failure))") }
  }

  /// The whole file. To be called once, after the last row.
  func finish() throws(HandlerError) -> [UInt8] {
    precondition(rowsAppended == height, "a picture is finished after its last row")
    var status = Z_OK
    while status == Z_OK {
      status = deflate(stream, Z_FINISH)
      emitImageData()
    }
    guard status == Z_STREAM_END else { throw HandlerError("zlib cannot finish (\(status))") }
    appendChunk("IEND", [])
    return bytes
  }

  private func emitImageData() {
    let count = output.count - Int(stream.pointee.avail_out)
    if count > 0 { appendChunk("IDAT", output[..<count]) }
    stream.pointee.next_out = output.baseAddress
    stream.pointee.avail_out = UInt32(output.count)
  }

  /// Length, type, contents, and the CRC-32 of type and contents.
  private func appendChunk(_ type: String, _ contents: some Collection<UInt8>) {
    bytes += bigEndian(UInt32(contents.count))
    let checkedFrom = bytes.count
    bytes += type.utf8
    bytes += contents
    let checksum = bytes[checkedFrom...].withUnsafeBufferPointer { crc32(0, $0.baseAddress, UInt32($0.count)) }
    bytes += bigEndian(UInt32(truncatingIfNeeded: checksum))
  }

  private func bigEndian(_ number: UInt32) -> [UInt8] { withUnsafeBytes(of: number.bigEndian) { Array($0) } }
}
