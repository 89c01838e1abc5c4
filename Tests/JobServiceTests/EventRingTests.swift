import JobModel
import Testing

@testable import JobService

@Suite("The ring of events")
struct EventRingTests {
  private let words: SharedWords
  private let ring: EventRing

  init() {
    let count = EventRing.wordCount
    let raw = UnsafeMutableRawPointer.allocate(byteCount: count * 8, alignment: 64)
    raw.initializeMemory(as: UInt8.self, repeating: 0, count: count * 8)
    words = SharedWords(raw, count: count)
    ring = EventRing(words)
  }

  private func id(_ number: UInt64) -> JobID {
    JobID(high: number << 16 | 0x7000, low: 0x8000_0000_0000_0000 | number)
  }

  private func state(_ number: UInt64, _ state: JobState = .queued) -> JobEvent {
    JobEvent(id: id(number), revision: Int(number), .state(state, attempt: 3))
  }

  @Test("events come back as they were posted, numbered from 1")
  func roundTrip() {
    let events: [JobEvent] = [
      state(7, .running), state(8, .cancelled),
      JobEvent(id: id(9), revision: 4, .progress(JobProgress(completed: -1, total: nil))),
      JobEvent(id: id(9), revision: 4, .progress(JobProgress(completed: .max, total: 0, message: ""))),
      JobEvent(id: id(9), revision: 4, .progress(JobProgress(completed: 5, total: 6, message: "naïve ünïcode ✓ text"))),
    ]
    #expect(ring.head == 1)
    for event in events { ring.post(event) }
    #expect(ring.head == 6)
    for (place, event) in events.enumerated() { #expect(ring.look(at: UInt64(place + 1)) == .event(event)) }
    #expect(ring.look(at: 6) == .notReady)
  }

  @Test("a long message is cut between characters, with an ellipsis")
  func longMessage() throws {
    let message = String(repeating: "é✓", count: 200)
    ring.post(JobEvent(id: id(1), revision: 1, .progress(JobProgress(completed: 1, total: 2, message: message))))
    guard case .event(let event) = ring.look(at: 1), case .progress(let progress) = event.what else {
      throw Missing()
    }
    let kept = try #require(progress.message)
    #expect(kept.utf8.count <= EventRing.textLimitBytes && kept.utf8.count > EventRing.textLimitBytes - 8)
    #expect(kept.hasSuffix("…") && message.hasPrefix(kept.dropLast()))
  }

  private struct Missing: Error {}

  @Test("what the ring has overtaken is gone, and the oldest that is left can be read")
  func lapped() {
    for number in 1...UInt64(EventRing.capacity + 100) { ring.post(state(number)) }
    #expect(ring.look(at: 1) == .gone)
    #expect(ring.look(at: 100) == .gone)
    #expect(ring.oldest > 100)
    #expect(ring.look(at: ring.oldest) == .event(state(ring.oldest)))
  }

  @Test("an entry whose writer was killed before its stamp is not ready, and one that two have written is gone")
  func unfinished() {
    ring.post(state(1))
    ring.post(state(2))
    // Where the entries begin, and what stands in them, is the ring's own business: so every word is tried.
    var broken = 0
    for index in 0..<words.count where words.load(index) != 0 {
      let before = words.load(index)
      words.store(index, before ^ 0x40)
      if ring.head == 3, ring.look(at: 1) != .event(state(1)) { broken += 1 }
      words.store(index, before)
    }
    // Its stamp, its checksum and its fields that are not zero: none can change unnoticed.
    #expect(broken == 8)
    #expect(ring.look(at: 1) == .event(state(1)))
  }

  @Test("a watching seat is woken once until it reads, and a poster never wakes itself")
  func waking() {
    #expect(ring.seatsToWake(poster: 0) == [])
    ring.setWatching(true, seat: 1)
    ring.setWatching(true, seat: 127)
    #expect(ring.seatsToWake(poster: 1) == [127])
    #expect(ring.seatsToWake(poster: 0) == [1])
    #expect(ring.seatsToWake(poster: 0) == [])
    ring.beginsToRead(seat: 127)
    #expect(ring.seatsToWake(poster: 0) == [127])
    ring.setWatching(false, seat: 127)
    ring.beginsToRead(seat: 127)
    #expect(ring.seatsToWake(poster: 0) == [])
  }
}
