import Testing

@testable import JobModel

@Suite("Trace contexts")
struct TraceContextTests {
  private let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

  @Test("a traceparent is kept as it is, with its state beside it")
  func kept() throws {
    let trace = try #require(TraceContext(parent: parent, state: "congo=t61rcWkgMzE, rojo=00f067aa0ba902b7"))
    #expect(trace.parent == parent && trace.state == "congo=t61rcWkgMzE, rojo=00f067aa0ba902b7")
    #expect(TraceContext(text: trace.text) == trace)
    let alone = try #require(TraceContext(parent: parent))
    #expect(alone.state == nil && TraceContext(text: alone.text) == alone && alone.text == parent)
  }

  @Test("what is malformed is no context")
  func malformed() {
    for bad in [
      "", "00", parent + "0", parent + "-00", parent.uppercased(), "ff" + parent.dropFirst(2),
      parent.replacing("-", with: "_"), "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
      "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01", parent.replacing("f", with: "g"),
      "\(parent), \(parent)",
      parent.dropLast() + "é",
    ] {
      #expect(TraceContext(parent: bad) == nil, "\(bad)")
    }
  }

  @Test("of a later version only what version 00 has is read, and of its flags only that it is sampled")
  func laterVersion() {
    let known = "4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7"
    #expect(TraceContext(parent: "01-\(known)-03")?.parent == "00-\(known)-01")
    #expect(TraceContext(parent: "cc-\(known)-f8-what-comes-then")?.parent == "00-\(known)-00")
    #expect(TraceContext(parent: "cc-\(known)-01.what") == nil)
  }

  @Test("what is sent on has the same trace and flags, the state as it came, and a parent-id of its own each time")
  func sentOn() throws {
    let trace = try #require(TraceContext(parent: parent, state: "rojo=1"))
    var parentIDs: Set<Substring> = ["00f067aa0ba902b7"]
    for _ in 0..<100 {
      let fields = trace.fields()
      #expect(fields.count == 2 && fields["tracestate"] == "rojo=1")
      let sent = try #require(fields["traceparent"])
      #expect(TraceContext(parent: sent)?.parent == sent)
      let parts = sent.split(separator: "-")
      #expect(parts[1] == "4bf92f3577b34da6a3ce929d0e0e4736" && parts[3] == "01")
      parentIDs.insert(parts[2])
    }
    #expect(parentIDs.count == 101)
  }

  @Test(
    "flags without a meaning are zero in what is sent",
    arguments: [("02", "02"), ("03", "03"), ("ff", "03"), ("04", "00")])
  func flags(came: String, leaves: String) throws {
    let trace = try #require(TraceContext(parent: parent.dropLast(2) + came))
    #expect(trace.fields()["traceparent"]?.suffix(3) == "-\(leaves)" && trace.fields()["tracestate"] == nil)
    #expect(trace.parent.hasSuffix(came))
  }

  @Test("a state that is too long, or is no list of members, is left out, and the trace goes on without it")
  func states() {
    let long = "a=" + String(repeating: "b", count: TraceContext.stateLimitBytes - 2)
    let many = (0..<32).map { "k\($0)=v" }.joined(separator: ",")
    for good in ["a=b", long, many, "a=b,\tc=d"] { #expect(TraceContext(parent: parent, state: good)?.state == good) }
    for bad in ["", ",", "a", long + "b", many + ",k32=v", "a=b\u{7f}", "a=ü", "a=b\nc: d"] {
      #expect(TraceContext(parent: parent, state: bad) == TraceContext(parent: parent), "\(bad)")
    }
  }
}
