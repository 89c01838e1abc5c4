import Glibc

/// One file that a body is written to. Its name is chosen at once; everything else is the writer's thread's business.
final class SpoolFile: @unchecked Sendable {
  // @unchecked: `folder` and `name` never change, the rest is touched by the one thread of `SpoolWriter` only.

  let name: String
  private let folder: String
  private var descriptor: Int32 = -1
  private var exists = false
  private var error: Int32 = 0

  init(folder: String) {
    self.folder = folder
    let high = UInt64.random(in: .min ... .max)
    let low = UInt64.random(in: .min ... .max)
    name = "body-\(String(high, radix: 16))-\(String(low, radix: 16))"
  }

  var path: String { "\(folder)/\(name)" }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// Appends, making the file before the first bytes. After an error nothing more is written.
  ///
  /// - Returns: 0, or the first errno.
  func append(_ bytes: [UInt8]) -> Int32 {
    if error == 0, descriptor < 0 { create() }
    var offset = 0
    while error == 0, offset < bytes.count {
      let count = bytes.withUnsafeBytes { bytes in
        let rest = UnsafeRawBufferPointer(rebasing: bytes[offset...])
        return write(descriptor, rest.baseAddress, rest.count)
      }
      if count > 0 {
        offset += count
      } else if errno != EINTR {
        error = errno
      }
    }
    if error != 0 { discard() }
    return error
  }

  func sync() -> Int32 {
    guard error == 0 else { return error }
    if fsync(descriptor) != 0 { error = errno }
    if close(descriptor) != 0, error == 0 { error = errno }
    descriptor = -1
    if error == 0 { syncFolder() }
    if error != 0 { discard() }
    return error
  }

  func discard() {
    if descriptor >= 0 { close(descriptor) }
    descriptor = -1
    if exists { unlink(path) }
    exists = false
  }

  private func create() {
    descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    if descriptor < 0 { error = errno } else { exists = true }
  }

  /// A new name is durable only with its folder (fsync(2)).
  private func syncFolder() {
    let folder = open(self.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard folder >= 0 else {
      error = errno
      return
    }
    if fsync(folder) != 0 { error = errno }
    close(folder)
  }
}
