import Testing

@testable import JobModel

@Suite("Job ids")
struct JobIDTests {
  private let now = Timestamp(microseconds: 1_800_000_000_123_456)

  @Test("an id's text is a UUID of version 7 and reads back as the same id")
  func textRoundTrip() throws {
    var issuer = JobIDIssuer(key: .random())
    for _ in 0..<1000 {
      let id = issuer.next(now: now)
      let text = id.description
      #expect(text.count == 36)
      #expect(Array(text)[14] == "7")
      #expect("89ab".contains(Array(text)[19]))
      #expect(JobID(text) == id)
      #expect(JobID(text.uppercased()) == id)
      #expect(JobID(bytes: id.bytes) == id)
      var appended: [UInt8] = []
      id.append(to: &appended)
      #expect(appended == Array(text.utf8))
    }
  }

  @Test(
    "text that is not exactly a UUID is no id",
    arguments: [
      "", "0", "0197b6c5-0000-7000-8000-00000000000", "0197b6c5-0000-7000-8000-0000000000000",
      "0197b6c500007000800000000000000000000", "0197b6c5-0000-7000-8000-00000000000g",
      "0197b6c5_0000-7000-8000-000000000000", "{0197b6c5-0000-7000-8000-0000000000}",
      "0197b6c5-0000-7000-8000-0000000000é",
    ])
  func malformed(_ text: String) {
    #expect(JobID(text) == nil)
  }

  @Test("ids of one issuer rise strictly, through a full millisecond and a clock that steps back")
  func order() {
    var issuer = JobIDIssuer(key: .random())
    var last = issuer.next(now: now)
    for step in 0..<10_000 {
      let clock = step < 9000 ? now : now.advanced(by: .seconds(-60))
      let next = issuer.next(now: clock)
      #expect(last < next)
      #expect(last.bytes.lexicographicallyPrecedes(next.bytes))
      last = next
    }
  }

  @Test("an id says when it was made, to the millisecond")
  func moment() {
    var issuer = JobIDIssuer(key: .random())
    #expect(issuer.next(now: now).milliseconds == 1_800_000_000_123)
    #expect(issuer.next(now: Timestamp(microseconds: -5)).milliseconds >= 1_800_000_000_123)
  }

  @Test("an issuer knows the ids of its key, and no others")
  func recognition() {
    let key = SipHashKey.random()
    var issuer = JobIDIssuer(key: key)
    let other = JobIDIssuer(key: .random())
    let sibling = JobIDIssuer(key: key)
    for _ in 0..<100 {
      let id = issuer.next(now: now)
      #expect(sibling.issued(id))
      #expect(!other.issued(id))
    }
  }

  @Test("changing any bit of an id makes it a stranger's")
  func everyBitCounts() {
    var issuer = JobIDIssuer(key: .random())
    let id = issuer.next(now: now)
    for bit in 0..<64 {
      #expect(!issuer.issued(JobID(high: id.high ^ 1 << UInt64(bit), low: id.low)))
      #expect(!issuer.issued(JobID(high: id.high, low: id.low ^ 1 << UInt64(bit))))
    }
  }

  /// The reference implementation's `vectors_sip64[16]`, for the key 00…0f and the message 00…0f
  /// (https://github.com/veorq/SipHash, vectors.h).
  @Test("SipHash-2-4 gives the published value for 16 bytes")
  func sipHashVector() {
    let key = SipHashKey(k0: 0x0706_0504_0302_0100, k1: 0x0f0e_0d0c_0b0a_0908)
    #expect(SipHash24.hash(0x0706_0504_0302_0100, 0x0f0e_0d0c_0b0a_0908, key: key) == 0x3f2a_cc7f_57c2_9bdb)
  }
}
