import Foundation
import Glibc
import Synchronization

/// An HTTP server on a free port of 127.0.0.1 that answers what a test says, one connection after the other, and keeps what
/// it was asked. It knows just enough HTTP to serve libcurl.
final class ScriptedServer: Sendable {
  struct Request: Equatable, Sendable {
    var method: String
    var target: String
    /// Names in lower case.
    var headers: [String: String]
    var body: [UInt8]
  }
  struct Answer: Sendable {
    var status = 200
    var headers: [String] = ["Content-Type: application/json"]
    var body: [UInt8]
    /// Answer at once when the head is there, and close.
    var early = false

    static func json(_ text: String, status: Int = 200, headers: [String] = []) -> Answer {
      Answer(status: status, headers: ["Content-Type: application/json"] + headers, body: Array(text.utf8))
    }
  }
  /// Gets the request (without its body yet, if `early` may be wanted) and its number from 0; `nil` closes the connection.
  typealias Script = @Sendable (_ request: Request, _ number: Int) -> Answer?

  let url: String
  private let listener: Int32
  private let script: Script
  private let recorded = Mutex<[Request]>([])
  private let finished = DispatchSemaphore(value: 0)

  var requests: [Request] { recorded.withLock { $0 } }

  init(_ script: @escaping Script) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        bind(listener, address, size) == 0 && listen(listener, 16) == 0 && getsockname(listener, address, &size) == 0
      }
    }
    guard bound else { throw POSIXError(.EADDRNOTAVAIL) }
    url = "http://127.0.0.1:\(UInt16(bigEndian: address.sin_port))"
    self.listener = listener
    self.script = script
    Thread.detachNewThread { [self] in
      serve()
      finished.signal()
    }
  }

  /// Ends the thread; call it when the client is done.
  func stop() {
    shutdown(listener, Int32(SHUT_RDWR))
    _ = finished.wait(timeout: .now() + 20)
    close(listener)
  }

  private func serve() {
    while true {
      let connection = accept(listener, nil, nil)
      guard connection >= 0 else { return }
      var limit = timeval(tv_sec: 10, tv_usec: 0)
      setsockopt(connection, SOL_SOCKET, SO_RCVTIMEO, &limit, socklen_t(MemoryLayout<timeval>.size))
      var input: [UInt8] = []
      while exchange(connection, &input) {}
      close(connection)
    }
  }

  /// One request and its answer; false when the connection is over.
  private func exchange(_ connection: Int32, _ input: inout [UInt8]) -> Bool {
    guard let head = take(upTo: Array("\r\n\r\n".utf8), connection, &input) else { return false }
    let lines = String(decoding: head, as: UTF8.self).components(separatedBy: "\r\n")
    let words = lines[0].split(separator: " ").map(String.init)
    var request = Request(method: words[0], target: words[1], headers: [:], body: [])
    for line in lines.dropFirst() {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let value = line[line.index(after: colon)...].trimmingCharacters(in: .whitespaces)
      request.headers[line[..<colon].lowercased()] = value
    }
    let number = recorded.withLock { $0.count }
    if let answer = script(request, number), answer.early {
      recorded.withLock { $0.append(request) }
      send(answer, connection)
      return false
    }
    if request.headers["expect"] == "100-continue" { write("HTTP/1.1 100 Continue\r\n\r\n", connection) }
    guard let body = body(of: request, connection, &input) else { return false }
    request.body = body
    recorded.withLock { $0.append(request) }
    guard let answer = script(request, number) else { return false }
    send(answer, connection)
    return true
  }

  private func send(_ answer: Answer, _ connection: Int32) {
    var head = "HTTP/1.1 \(answer.status) Scripted\r\n"
    for header in answer.headers { head += header + "\r\n" }
    if answer.early { head += "Connection: close\r\n" }
    if answer.status != 304 { head += "Content-Length: \(answer.body.count)\r\n" }
    write(Array((head + "\r\n").utf8) + answer.body, connection)
  }

  private func body(of request: Request, _ connection: Int32, _ input: inout [UInt8]) -> [UInt8]? {
    if request.headers["transfer-encoding"] == "chunked" {
      var body: [UInt8] = []
      while let size = take(upTo: [13, 10], connection, &input) {
        guard let count = Int(String(decoding: size, as: UTF8.self), radix: 16),
          let chunk = take(count, connection, &input), take(2, connection, &input) != nil
        else { return nil }
        if count == 0 { return body }
        body += chunk
      }
      return nil
    }
    return take(Int(request.headers["content-length"] ?? "0") ?? 0, connection, &input)
  }

  private func take(upTo end: [UInt8], _ connection: Int32, _ input: inout [UInt8]) -> [UInt8]? {
    while true {
      if let range = input.firstRange(of: end) {
        defer { input.removeSubrange(..<range.upperBound) }
        return Array(input[..<range.lowerBound])
      }
      guard receive(connection, &input) else { return nil }
    }
  }

  private func take(_ count: Int, _ connection: Int32, _ input: inout [UInt8]) -> [UInt8]? {
    while input.count < count {
      guard receive(connection, &input) else { return nil }
    }
    defer { input.removeSubrange(..<count) }
    return Array(input[..<count])
  }

  private func receive(_ connection: Int32, _ input: inout [UInt8]) -> Bool {
    var piece = [UInt8](repeating: 0, count: 65_536)
    let count = recv(connection, &piece, piece.count, 0)
    guard count > 0 else { return false }
    input += piece[..<count]
    return true
  }

  private func write(_ text: String, _ connection: Int32) { write(Array(text.utf8), connection) }

  private func write(_ bytes: [UInt8], _ connection: Int32) {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        Glibc.send(connection, buffer.baseAddress! + written, buffer.count - written, Int32(MSG_NOSIGNAL))
      }
      guard count > 0 else { return }
      written += count
    }
  }
}
