import Testing

@testable import HTTPServer

@Suite("Problems are RFC 9457's")
struct ProblemTests {
  @Test("strings are escaped, and further members stand beside the known ones")
  func json() {
    let problem = Problem(
      422, "a \"quoted\" \\ back\nline\u{1}é", title: "T", members: Array(#""errors":[]"#.utf8),
      headers: [HTTPField("Retry-After", "1")])
    #expect(
      String(decoding: problem.json, as: UTF8.self)
        == #"{"type":"about:blank","title":"T","status":422,"detail":"a \"quoted\" \\ back\nline\u0001é","errors":[]}"#)
    #expect(problem.response.headers.contains(HTTPField("Content-Type", "application/problem+json")))
    #expect(problem.response.headers.contains(HTTPField("Retry-After", "1")))
  }

  @Test("the title is the status's own phrase")
  func title() {
    #expect(Problem(431).title == "Request Header Fields Too Large")
    #expect(Problem(404).title == "Not Found")
  }

  @Test("entity tags are compared weakly, one by one")
  func entityTags() {
    #expect(EntityTag.matches("\"a\"", ifNoneMatch: "\"b\", W/\"a\""))
    #expect(EntityTag.matches("\"a\"", ifNoneMatch: "*"))
    #expect(!EntityTag.matches("\"a\"", ifNoneMatch: "\"b,\"a"))
    #expect(!EntityTag.matches("\"a\"", ifNoneMatch: "a"))
    #expect(!EntityTag.matches("\"a\"", ifNoneMatch: nil))
    #expect(EntityTag.matches("\"a,b\"", ifNoneMatch: "\"x\",\"a,b\""))
  }
}
