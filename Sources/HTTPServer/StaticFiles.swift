import EventLoop
import Glibc

/// Serves the regular files below one folder for GET and HEAD. Names that begin with a dot are not served, and no symbolic
/// link below the folder is followed, so nothing outside of it can be reached.
@LoopActor
public final class StaticFiles {
  private let root: Int32

  /// - Parameter root: the folder; it may itself be a symbolic link, which is followed now.
  /// - Throws: ``HTTPServerError`` when it is not a folder that can be opened.
  public init(root path: String) throws(HTTPServerError) {
    root = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard root >= 0 else { throw HTTPServerError(operation: "open \(path)", code: errno) }
  }

  deinit { close(root) }

  /// The file that the request's path names, or `index.html` where it names a folder.
  ///
  /// - Returns: 200 with the file, 304, a redirection to a folder's name with a slash at its end, or `nil`: there is no such
  ///   file, or the method is another one.
  public func response(for head: HTTPRequestHead) -> HTTPResponse? {
    guard head.method == .get || head.method == .head else { return nil }
    return response(path: head.pathBytes, ifNoneMatch: head.headerList("If-None-Match"))
  }

  func response(path: [UInt8], ifNoneMatch: String?) -> HTTPResponse? {
    guard var names = Self.names(path) else { return nil }
    let namesFolder = path.last == UInt8(ascii: "/")
    if namesFolder { names.append("index.html") }
    guard let name = names.last, let file = openBeneath(names) else { return nil }
    if (file.status.st_mode & S_IFMT) == S_IFDIR {
      close(file.descriptor)
      guard !namesFolder, let index = openBeneath(names + ["index.html"]) else { return nil }
      close(index.descriptor)
      return Self.redirection(to: names)
    }
    guard (file.status.st_mode & S_IFMT) == S_IFREG else {
      close(file.descriptor)
      return nil
    }
    let tag = Self.entityTag(file.status)
    let range = FileRange(descriptor: file.descriptor, byteCount: Int(file.status.st_size))
    let response = HTTPResponse(
      status: 200,
      headers: [
        HTTPField("Content-Type", MediaType.ofFile(named: name)), HTTPField("ETag", tag),
        HTTPField("Cache-Control", "no-cache"),
      ], body: .file(range))
    return EntityTag.matches(tag, ifNoneMatch: ifNoneMatch) ? response.notModified() : response
  }

  /// The path's parts. `nil` where one of them is not served: an empty one, or one that begins with a dot.
  private static func names(_ path: [UInt8]) -> [String]? {
    guard path.first == UInt8(ascii: "/") else { return nil }
    var parts = path.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    if parts.last?.isEmpty == true { parts.removeLast() }
    var names: [String] = []
    for part in parts {
      guard let first = part.first, first != UInt8(ascii: "."), part.count <= 255 else { return nil }
      names.append(String(decoding: part, as: UTF8.self))
    }
    return names.count <= 16 ? names : nil
  }

  /// Opens one name after the other, each below the one before and none through a symbolic link.
  private func openBeneath(_ names: [String]) -> (descriptor: Int32, status: stat)? {
    var folder = root
    defer { if folder != root { close(folder) } }
    for name in names.dropLast() {
      let next = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      guard next >= 0 else { return nil }
      if folder != root { close(folder) }
      folder = next
    }
    guard let last = names.last else { return nil }
    // O_NONBLOCK: opening a FIFO would wait for its other end.
    let descriptor = openat(folder, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      close(descriptor)
      return nil
    }
    return (descriptor, status)
  }

  /// Relative links in a page need the slash.
  private static func redirection(to names: [String]) -> HTTPResponse {
    var location = ""
    for name in names {
      location += "/"
      for byte in name.utf8 {
        if HeadCharacter.isLetter(byte) || HeadCharacter.isDigit(byte) || "-._~".utf8.contains(byte) {
          location.append(Character(UnicodeScalar(byte)))
        } else {
          location += byte < 16 ? "%0" : "%"
          location += String(byte, radix: 16, uppercase: true)
        }
      }
    }
    return HTTPResponse(status: 308, headers: [HTTPField("Location", location + "/")])
  }

  /// Strong: another content in the same file has another time, in nanoseconds, or another size.
  private static func entityTag(_ status: stat) -> String {
    let parts = [
      UInt64(status.st_ino), UInt64(bitPattern: Int64(status.st_mtim.tv_sec)),
      UInt64(bitPattern: Int64(status.st_mtim.tv_nsec)), UInt64(bitPattern: Int64(status.st_size)),
    ]
    return "\"" + parts.map { String($0, radix: 16) }.joined(separator: "-") + "\""
  }
}
