import CLinux
import Glibc

/// What goes into a call and comes out of it: bytes, or an open file whose content is not copied between the processes.
public enum Payload: Sendable {
  case bytes([UInt8])
  /// `byteCount` bytes from the file's start. Read it with pread(2), because all holders share one offset. What comes
  /// from a worker is sealed against change (memfd_create(2), "File sealing") if it is a memory file that can be sealed. Large
  /// bytes come in a file that only their sender could change, and does not before the last holder of `SharedFile` has let
  /// it go: a descriptor that is duplicated does not count as a holder.
  case file(SharedFile, byteCount: Int)

  public static var none: Payload { .bytes([]) }

  /// Bytes as they are best sent; those that are many are written to a memory file here, and not where they are sent.
  public init(sending bytes: [UInt8]) throws(MultiprocessingError) {
    if bytes.count <= PayloadPart.inlineBytes {
      self = .bytes(bytes)
    } else if let file = try PayloadRooms.shared.write(bytes) {
      self = .file(file, byteCount: bytes.count)
    } else {
      self = .file(SharedFile(try SealedMemory.write(bytes)), byteCount: bytes.count)
    }
  }

  public var byteCount: Int {
    switch self {
    case .bytes(let bytes): bytes.count
    case .file(_, let byteCount): byteCount
    }
  }

  /// Lends the content, without a copy where it is safe to look at it in place: bytes, and memory files that are sealed
  /// against change by all but, at most, their sender. Others are read.
  public func withBytes<Value>(_ body: (UnsafeRawBufferPointer) throws -> Value) throws -> Value {
    if case .file(let file, let byteCount) = self {
      if let bytes = file.contentsInView(byteCount: byteCount) {
        return try withExtendedLifetime(file) { try body(bytes) }
      }
      if let mapped = SealedMemory.map(file.descriptor, byteCount: byteCount) {
        defer { SealedMemory.unmap(mapped) }
        return try body(mapped)
      }
    }
    return try readAll().withUnsafeBytes { try body($0) }
  }

  /// The content in memory. A file shorter than it should be throws; it is read, never mapped, because a mapped file that
  /// another process cuts short kills its reader with SIGBUS.
  public func readAll() throws(MultiprocessingError) -> [UInt8] {
    switch self {
    case .bytes(let bytes): return bytes
    case .file(let file, let byteCount): return try SealedMemory.read(file.descriptor, byteCount: byteCount)
    }
  }
}

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
