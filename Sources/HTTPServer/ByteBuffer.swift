/// Bytes in memory of its own, which is used again for the next ones: no array's closures, checks and reference counts on
/// the way of each request.
struct ByteBuffer: ~Copyable {
  private var storage = UnsafeMutableRawBufferPointer.allocate(byteCount: 256, alignment: 16)
  private(set) var count = 0

  init() {}

  deinit { storage.deallocate() }

  /// Valid until the buffer is changed.
  var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: storage[..<count]) }

  mutating func replace(with bytes: UnsafeRawBufferPointer) {
    if bytes.count > storage.count {
      storage.deallocate()
      storage = .allocate(byteCount: max(bytes.count, 2 * storage.count), alignment: 16)
    }
    storage.copyMemory(from: bytes)
    count = bytes.count
  }
}
