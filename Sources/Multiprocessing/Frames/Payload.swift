import CLinux
import Glibc

/// What goes into a call and comes out of it: bytes, or an open file whose content is not copied between the processes.
public enum Payload: Sendable {
  case bytes([UInt8])
  /// `byteCount` bytes from the file's start. Read it with pread(2), because all holders share one offset. What comes from a
  /// worker is sealed against change if the worker gave bytes; a file that its function gave is as it was given.
  case file(SharedFile, byteCount: Int)

  public static var none: Payload { .bytes([]) }

  /// Bytes as they are best sent; those that are many are written to a memory file here, and not where they are sent.
  init(sending bytes: [UInt8]) throws(MultiprocessingError) {
    if bytes.count <= PayloadPart.inlineBytes {
      self = .bytes(bytes)
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

  static func read(_ descriptor: Int32, byteCount: Int) throws(MultiprocessingError) -> [UInt8] {
    // The count came from another process: it must not make this one reserve memory that the file cannot fill.
    var status = stat()
    if fstat(descriptor, &status) != 0 { throw MultiprocessingError("fstat of a payload") }
    if byteCount < 0 || status.st_size < byteCount {
      throw MultiprocessingError("a payload's file is shorter than the \(byteCount) bytes announced", code: 0)
    }
    var code: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, filled in
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
