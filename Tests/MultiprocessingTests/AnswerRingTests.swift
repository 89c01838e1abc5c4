import Testing

@testable import Multiprocessing

@Suite("The ring of a worker's answers")
struct AnswerRingTests {
  /// A ring of its own, both its sides, and a buffer.
  private final class Pair {
    let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: AnswerRing.byteCount, alignment: 64)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: AnswerRing.longest, alignment: 16)
    var writer: AnswerWriter
    var reader: AnswerReader

    init() {
      memory.initializeMemory(as: UInt8.self, repeating: 0)
      let ring = AnswerRing(memory.baseAddress!)
      writer = AnswerWriter(ring)
      reader = AnswerReader(ring)
    }

    deinit {
      memory.deallocate()
      buffer.deallocate()
    }

    /// What comes next, in words.
    func next(after received: UInt64 = 0) -> String {
      switch reader.next(after: received, into: buffer) {
      case .answer(let bytes): String(decoding: bytes, as: UTF8.self)
      case .none: "(none)"
      case .later: "(later)"
      case .garbled: "(garbled)"
      }
    }

    func put(_ text: String, after sent: UInt64 = 0) -> Bool { writer.put(Array(text.utf8), after: sent) }

    /// Overwrites one of the counts: 0 what was put, 1 what was taken.
    func overwrite(count: Int, with value: UInt64) {
      memory.storeBytes(of: value, toByteOffset: count * 64, as: UInt64.self)
    }
  }

  @Test("answers come out as they went in, many times around")
  func around() {
    let pair = Pair()
    for number in 0..<5000 {
      let text = String(repeating: "\(number) ", count: 1 + number % 97)
      #expect(pair.put(text))
      #expect(pair.next() == text)
    }
    #expect(pair.next() == "(none)")
  }

  @Test("a full ring takes nothing, loses nothing, and takes again when there is room")
  func full() {
    let pair = Pair()
    let text = String(repeating: "x", count: 1000)
    var count = 0
    while pair.put("\(count) \(text)") { count += 1 }
    #expect(count == AnswerRing.capacity / (16 + 1008))
    #expect(!pair.put(text))
    for number in 0..<count { #expect(pair.next() == "\(number) \(text)") }
    #expect(pair.next() == "(none)")
    #expect(pair.put(text))
    #expect(pair.next() == text)
  }

  @Test("as many small answers fit as a worker may have calls")
  func small() {
    let pair = Pair()
    for number in 0..<TicketPage.count { #expect(pair.put(String(repeating: "a", count: 100)), "\(number)") }
  }

  @Test("an answer that is too long, or empty, has to go another way")
  func unsuitable() {
    let pair = Pair()
    #expect(pair.put(String(repeating: "x", count: AnswerRing.longest)))
    #expect(!pair.put(String(repeating: "x", count: AnswerRing.longest + 1)))
    #expect(!pair.put(""))
  }

  @Test("an answer waits for the messages that were sent before it")
  func order() {
    let pair = Pair()
    #expect(pair.put("first", after: 0))
    #expect(pair.put("second", after: 2))
    #expect(pair.next(after: 0) == "first")
    #expect(pair.next(after: 0) == "(later)")
    #expect(pair.next(after: 1) == "(later)")
    #expect(pair.next(after: 2) == "second")
  }

  @Test("whoever is about to sleep is woken once, or finds that there is an answer")
  func sleeping() {
    let pair = Pair()
    #expect(pair.put("one"))
    #expect(!pair.writer.mustWake(), "somebody was woken who does not sleep")
    #expect(!pair.reader.prepareToSleep(), "it went to sleep beside an answer")
    #expect(pair.next() == "one")
    #expect(pair.reader.prepareToSleep())
    #expect(pair.put("two"))
    #expect(pair.writer.mustWake())
    #expect(!pair.writer.mustWake())
    #expect(pair.next() == "two")
    #expect(pair.reader.prepareToSleep())
    pair.reader.wake()
    #expect(!pair.writer.mustWake(), "somebody was woken who has got up")
  }

  @Test(
    "a count that cannot be is noticed",
    arguments: [UInt64.max, UInt64(AnswerRing.capacity) + 8, 8, 24, 1 << 63])
  func nonsense(put: UInt64) {
    let pair = Pair()
    pair.memory.initializeMemory(as: UInt8.self, repeating: 0xee)
    pair.overwrite(count: 0, with: put)
    #expect(pair.next() == "(garbled)")
  }

  @Test("an answer cannot be longer than what was put")
  func truncated() {
    let pair = Pair()
    #expect(pair.put("0123456789"))
    pair.overwrite(count: 0, with: 24)
    #expect(pair.next() == "(garbled)")
  }

  @Test("a cleared page is an empty ring")
  func cleared() throws {
    let board = try TicketBoard()
    defer { withExtendedLifetime(board) {} }
    let page = board.page(TicketBoard.pageCount - 1)
    var writer = AnswerWriter(page.answers)
    let isPut = writer.put([1, 2, 3], after: 0)
    #expect(isPut && !AnswerReader(page.answers).isEmpty)
    page.clear()
    #expect(AnswerReader(page.answers).isEmpty)
  }
}
