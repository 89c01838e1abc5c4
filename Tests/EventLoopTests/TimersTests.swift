import Testing

@testable import EventLoop

@Suite("Timers")
struct TimersTests {
  /// Runs what is due until `now`, and gives back which numbers ran.
  private func run(_ heap: inout TimerHeap, until now: UInt64) {
    while let body = heap.popDue(now) { LoopActor.assumeIsolated { body() } }
  }

  @Test("run in the order in which they are due, and equal ones in the order in which they were set")
  func order() async {
    await LoopThread.run {
      var heap = TimerHeap()
      var ran: [Int] = []
      for (number, due) in [(1, 50), (2, 10), (3, 50), (4, 10), (5, 30)] {
        _ = heap.insert(at: UInt64(due)) { ran.append(number) }
      }
      run(&heap, until: 9)
      #expect(ran.isEmpty)
      run(&heap, until: 30)
      #expect(ran == [2, 4, 5])
      #expect(heap.earliest == 50)
      run(&heap, until: 1000)
      #expect(ran == [2, 4, 5, 1, 3])
      #expect(heap.earliest == nil)
    }
  }

  @Test("that are cancelled do not run, whoever else is cancelled with them")
  func cancel() async {
    await LoopThread.run {
      var heap = TimerHeap()
      var ran: [Int] = []
      // More than 64, so that the heap is rebuilt without the cancelled ones.
      let tokens = (0..<500).map { number in
        heap.insert(at: UInt64((number * 7919) % 500)) { ran.append((number * 7919) % 500) }
      }
      for (number, token) in tokens.enumerated() where number % 5 != 0 { heap.cancel(token) }
      heap.cancel(tokens[1])
      #expect(heap.liveCount == 100)
      run(&heap, until: .max)
      #expect(ran.count == 100)
      #expect(ran == ran.sorted())
      heap.cancel(tokens[0])
      #expect(heap.liveCount == 0)
    }
  }

  @Test("the earliest is that of a timer that still lives")
  func earliest() async {
    await LoopThread.run {
      var heap = TimerHeap()
      let first = heap.insert(at: 5) {}
      _ = heap.insert(at: 9) {}
      #expect(heap.earliest == 5)
      heap.cancel(first)
      #expect(heap.earliest == 9)
    }
  }

  @Test("a delay is clamped to whole nanoseconds that do not overflow")
  func clamping() {
    #expect(Duration.milliseconds(3).nanosecondsClamped == 3_000_000)
    #expect(Duration.seconds(-1).nanosecondsClamped == 0)
    #expect(Duration.seconds(Int64.max).nanosecondsClamped < UInt64.max / 2)
    #expect(Duration(secondsComponent: 0, attosecondsComponent: 999_999_999).nanosecondsClamped == 0)
  }
}
