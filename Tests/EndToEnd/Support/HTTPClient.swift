import CLinux
import Glibc

/// One connection that says exactly what a test wants, byte for byte, and waits with a limit for each answer.
final class HTTPClient {
  enum Address: Sendable {
    case port(UInt16)
    case port6(UInt16)
    case unix(String)
  }
  enum Failure: Error {
    case notConnected(code: Int32)
    case ended
    case timedOut(sawSoFar: String)
    case malformed(String)
  }

  private let descriptor: Int32
  private var buffer: [UInt8] = []
  private var position = 0

  init(_ address: Address, limitSeconds: Int = 70, receiveBufferBytes: Int? = nil) throws {
    let family =
      switch address {
      case .port: AF_INET
      case .port6: AF_INET6
      case .unix: AF_UNIX
      }
    // A server that another test starts at this moment must not inherit it.
    descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var limit = timeval(tv_sec: limitSeconds, tv_usec: 0)
    for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
      setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
    }
    if var size = receiveBufferBytes.map(Int32.init) {
      setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, socklen_t(MemoryLayout<Int32>.size))
    }
    guard Self.connect(descriptor, to: address) == 0 else {
      let code = errno
      close(descriptor)
      throw Failure.notConnected(code: code)
    }
  }

  deinit { close(descriptor) }

  private static func connect(_ descriptor: Int32, to address: Address) -> Int32 {
    switch address {
    case .port(let port):
      var name = sockaddr_in()
      name.sin_family = sa_family_t(AF_INET)
      name.sin_port = port.bigEndian
      name.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      return connect(descriptor, &name)
    case .port6(let port):
      var name = sockaddr_in6()
      name.sin6_family = sa_family_t(AF_INET6)
      name.sin6_port = port.bigEndian
      name.sin6_addr = in6addr_loopback
      return connect(descriptor, &name)
    case .unix(let path):
      var name = sockaddr_un()
      name.sun_family = sa_family_t(AF_UNIX)
      withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: path.utf8.prefix($0.count - 1)) }
      return connect(descriptor, &name)
    }
  }

  private static func connect(_ descriptor: Int32, _ name: inout some Any) -> Int32 {
    withUnsafeBytes(of: &name) {
      Glibc.connect(descriptor, $0.assumingMemoryBound(to: sockaddr.self).baseAddress!, socklen_t($0.count))
    }
  }

  // MARK: - Saying

  func send(_ text: String) throws { try send(Array(text.utf8)) }

  func send(_ bytes: [UInt8]) throws {
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress! + offset, bytes.count - offset, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { throw Failure.ended }
      offset += count
    }
  }

  func finishSending() { shutdown(descriptor, Int32(SHUT_WR)) }

  /// One request with its reply.
  func exchange(
    _ method: String, _ target: String, headers: [String] = [], body: [UInt8]? = nil
  ) throws -> HTTPReply {
    var head = "\(method) \(target) HTTP/1.1\r\nHost: localhost\r\n"
    for header in headers { head += header + "\r\n" }
    if let body { head += "Content-Length: \(body.count)\r\n" }
    try send(Array((head + "\r\n").utf8) + (body ?? []))
    return try reply(toHead: method == "HEAD")
  }

  // MARK: - Hearing

  /// The next reply that is not an interim one (1xx).
  ///
  /// - Parameter toHead: it answers HEAD, so it has no body whatever its length says.
  func reply(toHead: Bool = false) throws -> HTTPReply {
    var reply = try head()
    while (100..<200).contains(reply.status) { reply = try head() }
    if toHead || reply.status == 304 || reply.status == 204 { return reply }
    if reply["transfer-encoding"] == "chunked" {
      while let chunk = try chunk() { reply.body += chunk }
    } else if let length = reply["content-length"].flatMap({ Int($0) }) {
      reply.body = try take(length)
    } else {
      reply.body = try toEnd()
    }
    return reply
  }

  /// A status line with its fields, interim or not.
  func head() throws -> HTTPReply {
    let first = try line()
    let words = first.split(separator: " ", maxSplits: 2)
    guard words.count >= 2, words[0] == "HTTP/1.1", let status = Int(words[1]) else { throw Failure.malformed(first) }
    var reply = HTTPReply(status: status)
    while true {
      let line = try line()
      if line.isEmpty { return reply }
      guard let colon = line.firstIndex(of: ":") else { throw Failure.malformed(line) }
      let value = line[line.index(after: colon)...].drop { $0 == " " }
      reply.fields.append((line[..<colon].lowercased(), String(value)))
    }
  }

  /// Everything up to the server's end of the connection.
  func toEnd() throws -> [UInt8] {
    do { while true { try more() } } catch Failure.ended {}
    return try take(buffer.count - position)
  }

  /// The next chunk of a body that is sent in chunks; `nil` at its end.
  func chunk() throws -> [UInt8]? {
    let size = try line()
    guard let count = Int(size, radix: 16) else { throw Failure.malformed(size) }
    let chunk = try take(count)
    _ = try take(2)
    return count == 0 ? nil : chunk
  }

  private func line() throws -> String {
    while true {
      if let end = buffer[position...].firstIndex(of: 0x0A) {
        let text = String(decoding: buffer[position..<end], as: UTF8.self)
        position = end + 1
        // A Swift string takes CR LF for one character, so the CR is looked at alone.
        guard text.utf8.last == 0x0D else { throw Failure.malformed(text) }
        return String(decoding: text.utf8.dropLast(), as: UTF8.self)
      }
      try more()
    }
  }

  private func take(_ count: Int) throws -> [UInt8] {
    while buffer.count - position < count { try more() }
    defer {
      buffer.removeFirst(position + count)
      position = 0
    }
    return Array(buffer[position..<(position + count)])
  }

  private func more() throws {
    var piece = [UInt8](repeating: 0, count: 64 * 1024)
    let count = recv(descriptor, &piece, piece.count, 0)
    if count < 0, errno == EAGAIN || errno == EINTR {
      throw Failure.timedOut(sawSoFar: String(decoding: buffer[position...].prefix(500), as: UTF8.self))
    }
    guard count > 0 else { throw Failure.ended }
    buffer += piece[..<count]
  }
}
