import Configuration
import Glibc

/// A file, or standard input, that is sent as a request's body without being held in memory.
final class InputFile {
  private let descriptor: Int32
  /// `nil`: its end is not known before it comes.
  private let byteCount: Int?

  /// - Parameter path: `-` is standard input.
  init(_ path: String, flag: String) throws(ClientError) {
    descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      byteCount = nil
      throw .local("\(flag): '\(printable(path))' cannot be read: \(String(cString: strerror(errno)))")
    }
    var status = stat()
    let isFile = fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    // Standard input may stand in the middle of its file.
    let place = isFile ? lseek(descriptor, 0, SEEK_CUR) : -1
    byteCount = place >= 0 ? max(0, Int(status.st_size) - Int(place)) : nil
  }

  deinit {
    if descriptor > STDIN_FILENO { close(descriptor) }
  }

  func body(mediaType: String) -> ServerClient.Body {
    .stream(descriptor: descriptor, byteCount: byteCount, mediaType: mediaType)
  }
}
