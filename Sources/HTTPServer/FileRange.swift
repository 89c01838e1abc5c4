import Glibc

/// A part of an open file, to be sent without passing through the process. It owns the descriptor.
public final class FileRange: Sendable {
  let descriptor: Int32
  public let offset: Int
  public let byteCount: Int

  /// - Parameter descriptor: of a regular file, or a memfd; closed when the range is no longer needed.
  public init(descriptor: Int32, offset: Int = 0, byteCount: Int) {
    precondition(offset >= 0 && byteCount >= 0, "a file range lies in its file")
    self.descriptor = descriptor
    self.offset = offset
    self.byteCount = byteCount
  }

  deinit { close(descriptor) }
}
