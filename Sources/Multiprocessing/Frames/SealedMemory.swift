import CLinux
import Glibc

/// Bytes in a memory file that nobody can change any more (memfd_create(2), "File sealing").
enum SealedMemory {
  static func write(_ bytes: [UInt8]) throws(MultiprocessingError) -> OwnedDescriptor {
    let number = linux_memfd_create("millrace-payload")
    if number < 0 { throw MultiprocessingError("memfd_create") }
    let file = OwnedDescriptor(owning: number)
    let code = bytes.withUnsafeBytes { writeAll($0, to: number) }
    if code != 0 { throw MultiprocessingError("writing a payload of \(bytes.count) bytes", code: code) }
    if linux_memfd_seal(number) != 0 { throw MultiprocessingError("sealing a payload") }
    return file
  }

  /// The same, written in place.
  static func write(
    byteCount: Int, _ body: (UnsafeMutableRawBufferPointer) throws -> Void
  ) throws -> OwnedDescriptor {
    let number = linux_memfd_create("millrace-payload")
    if number < 0 { throw MultiprocessingError("memfd_create") }
    let file = OwnedDescriptor(owning: number)
    if ftruncate(number, off_t(byteCount)) != 0 { throw MultiprocessingError("making room for \(byteCount) bytes") }
    let mapped = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, number, 0)
    guard let mapped, mapped != MAP_FAILED else { throw MultiprocessingError("mapping \(byteCount) bytes") }
    let result = Result { try body(UnsafeMutableRawBufferPointer(start: mapped, count: byteCount)) }
    // Before it is sealed: what is mapped for writing cannot be (fcntl(2), F_SEAL_WRITE).
    munmap(mapped, byteCount)
    try result.get()
    if linux_memfd_seal(number) != 0 { throw MultiprocessingError("sealing a payload") }
    return file
  }

  /// Seals a memory file that somebody else made, if it can be: then its holders may look at it in place.
  static func sealIfPossible(_ descriptor: Int32) {
    // EINVAL: it is no memory file. EPERM: it was made without sealing. EBUSY: it is mapped for writing. It goes as it is.
    _ = linux_memfd_seal(descriptor)
  }

  /// The content in place; the caller unmaps it. `nil`: it is not sealed, so it could shrink under the reader
  /// (a mapped file that is cut short kills its reader with SIGBUS), or it is shorter than announced, or empty.
  static func map(_ descriptor: Int32, byteCount: Int) -> UnsafeRawBufferPointer? {
    var status = stat()
    guard linux_memfd_is_fixed(descriptor) == 1, byteCount > 0, fstat(descriptor, &status) == 0,
      status.st_size >= byteCount
    else { return nil }
    // Populated: one system call instead of a fault every 16 pages.
    let mapped = mmap(nil, byteCount, PROT_READ, MAP_SHARED | MAP_POPULATE, descriptor, 0)
    guard let mapped, mapped != MAP_FAILED else { return nil }
    return UnsafeRawBufferPointer(start: mapped, count: byteCount)
  }

  static func unmap(_ mapped: UnsafeRawBufferPointer) {
    munmap(UnsafeMutableRawPointer(mutating: mapped.baseAddress), mapped.count)
  }

  static func read(_ descriptor: Int32, byteCount: Int) throws(MultiprocessingError) -> [UInt8] {
    // The count came from another process: it must not make this one reserve memory that the file cannot fill.
    var status = stat()
    if fstat(descriptor, &status) != 0 { throw MultiprocessingError("fstat of a payload") }
    if byteCount < 0 || status.st_size < byteCount {
      throw MultiprocessingError("a payload's file is shorter than the \(byteCount) bytes announced", code: 0)
    }
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, filled in
      preferHugePages(UnsafeMutableRawBufferPointer(buffer))
      while filled < byteCount {
        let count = pread(descriptor, buffer.baseAddress! + filled, byteCount - filled, off_t(filled))
        if count > 0 {
          filled += count
        } else if count == 0 || errno != EINTR {
          code = count == 0 ? EIO : errno
          return
        }
      }
    }
    if code != 0 { throw MultiprocessingError("reading a payload", code: code) }
    return bytes
  }

  /// Fresh memory costs more to get, page by page, than to fill.
  private static func preferHugePages(_ buffer: UnsafeMutableRawBufferPointer) {
    let huge = 2 << 20
    guard let start = buffer.baseAddress, buffer.count >= 2 * huge else { return }
    let first = start.alignedUp(toMultipleOf: huge)
    let last = (start + buffer.count).alignedDown(toMultipleOf: huge)
    // A hint: where it is refused, it is slower.
    if first < last { madvise(first, last - first, MADV_HUGEPAGE) }
  }

  /// 0, or the errno.
  private static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) -> Int32 {
    var done = 0
    while done < bytes.count {
      let count = Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
      if count > 0 {
        done += count
      } else if errno != EINTR {
        return errno
      }
    }
    return 0
  }
}
