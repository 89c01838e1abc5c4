import Testing

@testable import HTTPServer

@Suite("The guard reads heads strictly")
struct HeadGuardTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let head: String
    let expected: Expected
    var testDescription: String { head.debugDescription }
    enum Expected: Sendable, Equatable {
      case good(BodyFraming)
      case status(Int)
      case incomplete
    }
    init(_ head: String, _ expected: Expected) {
      self.head = head
      self.expected = expected
    }
  }

  private static let host = "Host: a\r\n"
  private static func get(_ fields: String) -> String { "GET / HTTP/1.1\r\n\(host)\(fields)\r\n" }
  private static func post(_ fields: String) -> String { "POST / HTTP/1.1\r\n\(host)\(fields)\r\n" }
  private static func line(_ line: String) -> String { "\(line)\r\n\(host)\r\n" }

  static let requestLines: [Case] = [
    Case(line("GET / HTTP/1.1"), .good(.none)),
    Case("GET / HTTP/1.0\r\n\r\n", .good(.none)),
    Case(line("GET /a/b?c=d&e=%20 HTTP/1.1"), .good(.none)),
    Case(line("PROPFIND /x HTTP/1.1"), .good(.none)),
    Case(line("GET http://example.org/x HTTP/1.1"), .good(.none)),
    Case(line("GET https://example.org:8443 HTTP/1.1"), .good(.none)),
    Case(line("OPTIONS * HTTP/1.1"), .good(.none)),
    Case("\r\n" + line("GET / HTTP/1.1"), .good(.none)),
    Case(line("GET /?q={\"a\":[1|2]} HTTP/1.1"), .good(.none)),
    Case(line("GET * HTTP/1.1"), .status(400)),
    Case(line("GET example.org HTTP/1.1"), .status(400)),
    Case(line("GET http:// HTTP/1.1"), .status(400)),
    Case(line("GET http://user@example.org/ HTTP/1.1"), .status(400)),
    Case(line("GET ftp://example.org/ HTTP/1.1"), .status(400)),
    Case(line("CONNECT example.org:443 HTTP/1.1"), .status(501)),
    Case(line("CONNECT / HTTP/1.1"), .status(501)),
    Case("\r\n\r\n" + line("GET / HTTP/1.1"), .status(400)),
    Case("\n" + line("GET / HTTP/1.1"), .status(400)),
    Case(line(" GET / HTTP/1.1"), .status(400)),
    Case(line("GET  / HTTP/1.1"), .status(400)),
    Case(line("GET /  HTTP/1.1"), .status(400)),
    Case(line("GET / HTTP/1.1 "), .status(400)),
    Case(line("GET\t/ HTTP/1.1"), .status(400)),
    Case(line("G(T / HTTP/1.1"), .status(400)),
    Case(line("GET /a b HTTP/1.1"), .status(400)),
    Case(line("GET /a#b HTTP/1.1"), .status(400)),
    Case(line("GET /a\u{0}b HTTP/1.1"), .status(400)),
    Case(line("GET /\u{E9} HTTP/1.1"), .status(400)),
    Case(line("GET /"), .status(400)),
    Case(line("GET"), .status(400)),
    Case(line("GET / HTTP/2.0"), .status(505)),
    Case(line("GET / HTTP/0.9"), .status(505)),
    Case(line("GET / HTTP/1.2"), .status(505)),
    Case(line("GET / HTTP/1.10"), .status(400)),
    Case(line("GET / HTTP/1"), .status(400)),
    Case(line("GET / http/1.1"), .status(400)),
    Case(line("GET / HTTPS/1.1"), .status(400)),
    Case("GET / HTTP/1.1\n\(host)\r\n", .status(400)),
    Case("\u{16}\u{3}\u{1}\u{2}", .status(400)),
    Case(line("\(String(repeating: "M", count: 33)) / HTTP/1.1"), .status(400)),
    Case(line("GET /\(String(repeating: "a", count: 8191)) HTTP/1.1"), .good(.none)),
    Case(line("GET /\(String(repeating: "a", count: 8192)) HTTP/1.1"), .status(414)),
    Case("GET /\(String(repeating: "a", count: 9000))", .status(414)),
  ]

  static let fields: [Case] = [
    Case(get("Accept: */*\r\nX-Empty:\r\nX-Tab:\ta\tb \r\n"), .good(.none)),
    Case(get("X: \u{E9}\r\n"), .good(.none)),
    Case("GET / HTTP/1.1\r\nhOsT: [::1]:8080\r\n\r\n", .good(.none)),
    Case("GET / HTTP/1.1\r\nHost:\r\n\r\n", .good(.none)),
    Case("GET / HTTP/1.1\r\n\r\n", .status(400)),
    Case(get("Host: a\r\n"), .status(400)),
    Case("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", .status(400)),
    Case("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", .status(400)),
    Case("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", .status(400)),
    Case("GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", .status(400)),
    Case("GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", .status(400)),
    Case("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", .status(400)),
    Case("GET / HTTP/1.1\r\nHost : a\r\n\r\n", .status(400)),
    Case(get("X: a\r\n b\r\n"), .status(400)),
    Case(get("X: a\r\n\tb\r\n"), .status(400)),
    Case("GET / HTTP/1.1\r\n X: a\r\n\(host)\r\n", .status(400)),
    Case(get("X: a\n"), .status(400)),
    Case(get("X: a\rb\r\n"), .status(400)),
    Case(get("X: a\u{0}b\r\n"), .status(400)),
    Case(get("X: a\u{7F}\r\n"), .status(400)),
    Case(get("X\u{0}: a\r\n"), .status(400)),
    Case(get("X\r\n"), .status(400)),
    Case(get(": a\r\n"), .status(400)),
    Case(get("X(: a\r\n"), .status(400)),
    Case(get(String(repeating: "X: y\r\n", count: 47)), .good(.none)),
    Case(get(String(repeating: "X: y\r\n", count: 48)), .status(431)),
    Case(get("X: \(String(repeating: "y", count: 16 * 1024))\r\n"), .status(431)),
    Case("GET / HTTP/1.1\r\n\(host)X: \(String(repeating: "y", count: 16 * 1024))", .status(431)),
    Case(get("Cookie: \(String(repeating: "a=b;", count: 15))c=d\r\n"), .good(.none)),
    Case(get("Cookie: \(String(repeating: "a=b;", count: 16))c=d\r\n"), .status(431)),
    Case(get("Cookie: a=\(String(repeating: "b", count: 2048))\r\n"), .status(431)),
  ]

  static let framing: [Case] = [
    Case(post("Content-Length: 5\r\n"), .good(.length(5))),
    Case(post("Content-Length: 0\r\n"), .good(.none)),
    Case(post("content-length:\t5 \r\nCONTENT-LENGTH: 5\r\n"), .good(.length(5))),
    Case(post("Transfer-Encoding: Chunked\r\n"), .good(.chunked)),
    Case(post("Content-Length: 5\r\nExpect: 100-Continue\r\n"), .good(.length(5))),
    Case(post("Content-Length: 5\r\nContent-Length: 6\r\n"), .status(400)),
    Case(post("Content-Length: 5, 5\r\n"), .status(400)),
    Case(post("Content-Length: 5, 6\r\n"), .status(400)),
    Case(post("Content-Length: +5\r\n"), .status(400)),
    Case(post("Content-Length: -5\r\n"), .status(400)),
    Case(post("Content-Length: 5 6\r\n"), .status(400)),
    Case(post("Content-Length: 0x5\r\n"), .status(400)),
    Case(post("Content-Length: 5.0\r\n"), .status(400)),
    Case(post("Content-Length:\r\n"), .status(400)),
    Case(post("Content-Length: 99999999999999999999\r\n"), .status(413)),
    Case(post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n"), .status(400)),
    Case(post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n"), .status(400)),
    Case(post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"), .status(400)),
    Case(post("Transfer-Encoding: gzip\r\n"), .status(501)),
    Case(post("Transfer-Encoding: gzip, chunked\r\n"), .status(501)),
    Case(post("Transfer-Encoding: chunked;q=1\r\n"), .status(501)),
    Case(post("Transfer-Encoding: xchunked\r\n"), .status(501)),
    Case(post("Transfer-Encoding:\r\n"), .status(501)),
    Case("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", .status(400)),
    Case(post("Content-Length: 5\r\nExpect: a-miracle\r\n"), .status(417)),
  ]

  private static func judge(_ head: String) -> Case.Expected {
    let verdict = Array(head.utf8).withUnsafeBytes { HeadGuard().check($0) }
    return switch verdict {
    case .incomplete: .incomplete
    case .accepted(let head): .good(head.framing)
    case .refused(let problem): .status(problem.status)
    }
  }

  @Test("the request line", arguments: requestLines)
  func requestLine(_ example: Case) { #expect(Self.judge(example.head) == example.expected) }

  @Test("the header fields", arguments: fields)
  func headerFields(_ example: Case) { #expect(Self.judge(example.head) == example.expected) }

  @Test("the framing of the body", arguments: framing)
  func bodyFraming(_ example: Case) { #expect(Self.judge(example.head) == example.expected) }

  @Test("a good head is incomplete at each of its bytes but the last, and ends before the body")
  func prefixes() {
    let head = "\r\nPOST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nX: y\r\n\r\n"
    let bytes = Array((head + "abc").utf8)
    for count in 1..<head.utf8.count {
      #expect(bytes[..<count].withUnsafeBytes { HeadGuard().check($0) } == .incomplete)
    }
    let verdict = bytes.withUnsafeBytes { HeadGuard().check($0) }
    guard case .accepted(let checked) = verdict else { return #expect(Bool(false), "refused") }
    #expect(checked.byteCount == head.utf8.count)
    #expect(String(decoding: bytes[checked.target], as: UTF8.self) == "/a?b")
    #expect(checked.fieldCount == 3)
  }
}
