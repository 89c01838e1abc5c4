import Glibc

/// Reads small files whole.
package enum FileText {
  package enum Failure: Error, CustomStringConvertible {
    /// What the system said.
    case system(errno: Int32)
    case tooLarge(limitBytes: Int)
    case notAFile

    package var description: String {
      switch self {
      case .system(let errno): String(cString: strerror(errno))
      case .tooLarge(let limit): "it is larger than \(ValueText.size(limit))"
      case .notAFile: "it is not a file"
      }
    }
  }

  package static func read(_ path: String, limitBytes: Int) throws(Failure) -> [UInt8] {
    // Non-blocking, so that a named pipe cannot hold the server up before it is refused.
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw .system(errno: errno) }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system(errno: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .notAFile }
    var bytes = [UInt8](repeating: 0, count: limitBytes + 1)
    var count = 0
    while count < bytes.count {
      let added = bytes.withUnsafeMutableBytes { Glibc.read(descriptor, $0.baseAddress! + count, $0.count - count) }
      if added == 0 { break }
      if added < 0 {
        if errno == EINTR { continue }
        throw .system(errno: errno)
      }
      count += added
    }
    guard count <= limitBytes else { throw .tooLarge(limitBytes: limitBytes) }
    bytes.removeSubrange(count...)
    return bytes
  }

  static func isOpenToOthers(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IROTH != 0
  }

  static func isFolder(_ path: String) -> Bool {
    var status = stat()
    return stat(path, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
  }
}
