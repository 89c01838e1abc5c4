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

  @Test("a job's trace is sent along, unless the job names one of its own")
  func trace() {
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    let context = Recorder().context(trace: TraceContext(parent: parent, state: "a=1"))
    let sent = FetchHeaders.sent(["Accept": "*/*", "TraceState": "b=2"], in: context)
    #expect(sent.count == 3 && sent["Accept"] == "*/*" && sent["tracestate"] == "a=1")
    #expect(sent["traceparent"]?.hasPrefix(parent.prefix(36)) == true && sent["traceparent"] != parent)
    let own = ["TraceParent": parent, "tracestate": "b=2"]
    #expect(FetchHeaders.sent(own, in: context) == own)
    let bare = ["tracestate": "b=2"]
    #expect(FetchHeaders.sent(bare, in: Recorder().context()) == bare)
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
}
