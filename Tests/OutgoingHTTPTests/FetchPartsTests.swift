import JobModel
import Testing

@testable import OutgoingHTTP

@Suite struct FetchPartsTests {
  @Test("a fetch has the shorter of its own limit and the job's deadline")
  func timeAllowed() {
    func allowed(_ deadline: Int64?) -> Duration {
      FetchRequest(
        url: "", maxBytes: 0, timeLimit: .seconds(60),
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
