import CLinux
import Glibc

/// A blocking client that says exactly what a test wants, and waits at most five seconds for each answer.
final class RawClient {
  struct Reply: Equatable {
    var status = 0
    var fields: [String: String] = [:]
    var body: [UInt8] = []
    var text: String { String(decoding: body, as: UTF8.self) }
  }
  enum Failure: Error, Equatable { case notConnected(Int32), closed, timedOut, malformed(String) }

  let descriptor: Int32
  /// What has come and is not taken; what was taken is removed when more comes.
  private var received: [UInt8] = []
  private var taken = 0
  private var buffer: ArraySlice<UInt8> { received[taken...] }

  init(unixPath: String) throws {
    descriptor = Self.socket(AF_UNIX)
    let connected = UnixAddress.with(unixPath) { connect(descriptor, $0, $1) }
    guard connected == 0 else { throw Failure.notConnected(errno) }
  }

  private static func socket(_ family: Int32) -> Int32 {
    let descriptor = Glibc.socket(family, Int32(SOCK_STREAM.rawValue), 0)
    var limit = timeval(tv_sec: 5, tv_usec: 0)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
    return descriptor
  }

  init(_ server: TestServer) throws {
    descriptor = Self.socket(AF_INET)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = server.port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let connected = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard connected == 0 else { throw Failure.notConnected(errno) }
  }

  deinit { close(descriptor) }

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws {
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes {
        let rest = UnsafeRawBufferPointer(rebasing: $0[offset...])
        return Glibc.send(descriptor, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw Failure.closed }
      offset += count
    }
  }

  func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// A GET of the path, and its reply.
  func get(_ path: String, _ fields: String = "") throws -> Reply {
    try send("GET \(path) HTTP/1.1\r\nHost: test\r\n\(fields)\r\n")
    return try reply()
  }

  /// The next reply.
  ///
  /// - Parameter toHead: it answers HEAD, so it has no body whatever its length says.
  func reply(toHead: Bool = false) throws -> Reply {
    var reply = try head()
    if reply.status == 100 { reply = try head() }
    if toHead || reply.status == 304 || reply.status == 204 { return reply }
    if reply.fields["transfer-encoding"] == "chunked" {
      while let chunk = try chunk() { reply.body += chunk }
    } else if let length = reply.fields["content-length"].flatMap({ Int($0) }) {
      reply.body = try take(length)
    } else {
      reply.body = try readToEnd()
    }
    return reply
  }

  /// The status line and fields of the next reply.
  func head() throws -> Reply {
    var reply = Reply()
    let first = try line().split(separator: " ", maxSplits: 2)
    guard first.count >= 2, first[0] == "HTTP/1.1", let status = Int(first[1]) else {
      throw Failure.malformed("\(first)")
    }
    reply.status = status
    while true {
      let line = try line()
      if line.isEmpty { return reply }
      guard let colon = line.firstIndex(of: ":") else { throw Failure.malformed(line) }
      reply.fields[line[..<colon].lowercased()] = line[line.index(after: colon)...].drop { $0 == " " }.description
    }
  }

  /// The next chunk of a chunked body; `nil` for the last one.
  func chunk() throws -> [UInt8]? {
    guard let count = Int(try line(), radix: 16) else { throw Failure.malformed("chunk") }
    let chunk = try take(count)
    _ = try take(2)
    return count == 0 ? nil : chunk
  }

  func readToEnd() throws -> [UInt8] {
    do { while true { try more() } } catch Failure.closed {}
    return try take(buffer.count)
  }

  /// Whether the server ends the connection, with nothing more to read.
  func seesEnd() throws -> Bool { try readToEnd().isEmpty }

  private func line() throws -> String {
    while true {
      if let end = buffer.firstIndex(of: 0x0A) {
        let line = try take(end + 1 - taken)
        guard line.dropLast().last == 0x0D else { throw Failure.malformed("line end") }
        return String(decoding: line.dropLast(2), as: UTF8.self)
      }
      try more()
    }
  }

  private func take(_ count: Int) throws -> [UInt8] {
    while buffer.count < count { try more() }
    defer { taken += count }
    return Array(buffer.prefix(count))
  }

  private func more() throws {
    var piece = [UInt8](repeating: 0, count: 64 * 1024)
    let count = recv(descriptor, &piece, piece.count, 0)
    if count < 0 { throw errno == EAGAIN ? Failure.timedOut : Failure.closed }
    if count == 0 { throw Failure.closed }
    received.removeFirst(taken)
    taken = 0
    received += piece[..<count]
  }
}
