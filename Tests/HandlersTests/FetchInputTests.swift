import HandlerAPI
import JobModel
import Testing

@testable import Handlers

@Suite struct FetchInputTests {
  @Test(
    "accepts URLs of the web",
    arguments: [
      "http://example.org", "https://example.org:8443/a?b=c#d", "HTTP://[2001:db8::1]/", "http://127.0.0.1:1/",
    ])
  func goodURLs(url: String) { #expect(HTTPFetch.validate(.init(url: url)).isEmpty) }

  @Test(
    "refuses other URLs",
    arguments: [
      "", "example.org", "/path", "ftp://example.org/", "file:///etc/passwd", "gopher://x/", "http://", "http://a b/",
      "http://user:secret@example.org/", "http://user@example.org/", "http://example.org/\r\nX: y", "http://a\0.org/",
      "http://example.org:99999/",
    ])
  func badURLs(url: String) { #expect(HTTPFetch.validate(.init(url: url)).map(\.pointer) == ["/url"]) }

  @Test(
    "refuses headers that belong to the connection, and what is none",
    arguments: [
      ["Host": "x"], ["content-length": "1"], ["Transfer-Encoding": "chunked"], ["CONNECTION": "close"],
      ["Proxy-Authorization": "x"], ["Upgrade": "h2c"], ["te": "trailers"], ["expect": "100-continue"],
      ["a": "b\r\nc: d"], ["a": "b\nc"], ["a": "\0"], ["": "x"], ["a b": "x"], ["a:": "x"], ["é": "x"], ["a\r\nb": "x"],
    ])
  func badHeaders(headers: [String: String]) {
    let errors = HTTPFetch.validate(.init(url: "http://example.org/", headers: headers))
    #expect(errors.count == 1 && errors[0].pointer.hasPrefix("/headers/"))
  }

  @Test("a header's name is escaped in the pointer")
  func pointer() {
    #expect(FetchHeaders.errors(["a/b~c": "x"]).map(\.pointer) == ["/headers/a~1b~0c"])
  }

  @Test("refuses too many headers, and too large ones")
  func headerLimits() {
    let many = Dictionary(uniqueKeysWithValues: (0..<65).map { ("x-\($0)", "1") })
    #expect(FetchHeaders.errors(many).map(\.pointer) == ["/headers"])
    #expect(FetchHeaders.errors(["x": String(repeating: "y", count: 33_000)]).map(\.pointer) == ["/headers"])
    #expect(FetchHeaders.errors(["Accept": "text/html;q=0.9", "x-empty": ""]).isEmpty)
  }

  @Test("a fetch has the shorter of its own limit and the job's deadline")
  func timeAllowed() {
    func allowed(_ deadline: Int64?) -> Duration {
      FetchRequest(
        url: "", isHead: false, headers: [:], maxBytes: 0, timeLimit: .seconds(60),
        deadline: deadline.map { Timestamp(microseconds: $0) }, mayConnect: { _ in false }
      ).timeAllowed(now: Timestamp(microseconds: 1_000_000))
    }
    #expect(allowed(nil) == .seconds(60))
    #expect(allowed(3_000_000) == .seconds(2))
    #expect(allowed(.max) == .seconds(60))
    #expect(allowed(1_000_000) == .milliseconds(1))
    #expect(allowed(0) == .milliseconds(1))
  }

  @Test("the last head counts; repeated fields are joined, folded ones continued, trailers left out")
  func heads() {
    var head = ResponseHead()
    let lines = [
      "HTTP/1.1 302 Found\r\n", "Location: /x\r\n", "\r\n",
      "HTTP/1.1 200 OK\r\n", "Vary: a\r\n", "vary:  b \r\n", "X-Fold: 1\r\n", "\t2\r\n", "no colon\r\n", "\r\n",
      "Trailer: early\r\n",
    ]
    for line in lines { #expect(Array(line.utf8).withUnsafeBytes { head.consume($0) }) }
    head.beginBody()
    #expect(Array("HTTP/1.1 500 no\r\n".utf8).withUnsafeBytes { head.consume($0) })
    #expect(head.fields == ["vary": "a, b", "x-fold": "1 2"])
  }

  @Test("a head without end is refused")
  func endlessHead() {
    var head = ResponseHead()
    let line = Array("X: \(String(repeating: "y", count: 1000))\r\n".utf8)
    let accepted = (0..<1000).prefix { _ in line.withUnsafeBytes { head.consume($0) } }.count
    #expect(accepted == ResponseHead.limitBytes / line.count)
  }
}
