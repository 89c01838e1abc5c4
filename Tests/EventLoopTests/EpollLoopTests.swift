import CLinux
import Glibc
import Synchronization
import Testing

@testable import EventLoop

@Suite("The event loop", .serialized)
struct EpollLoopTests {
  private func pair() -> (Int32, Int32) {
    var ends: [Int32] = [-1, -1]
    precondition(socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0, &ends) == 0, "socketpair")
    for end in ends { _ = linux_set_nonblocking(end, 1) }
    return (ends[0], ends[1])
  }

  @Test("tells when a descriptor is ready, and says for what", .timeLimit(.minutes(1)))
  func watching() async {
    let (mine, other) = pair()
    await LoopThread.wait { done in
      EpollLoop.shared.watch(mine, for: [.readable, .peerClosed]) { readiness in
        #expect(readiness == [.readable])
        #expect(EpollLoop.shared.isOnLoopThread)
        EpollLoop.shared.unwatch(mine)
        done()
      }
      #expect(EpollLoop.shared.isWatched(mine))
      _ = write(other, "x", 1)
    }
    await LoopThread.wait { done in
      EpollLoop.shared.watch(mine, for: .writable) { readiness in
        if readiness.contains(.hangup) {
          EpollLoop.shared.unwatch(mine)
          done()
        } else {
          EpollLoop.shared.rewatch(mine, for: .peerClosed)
          close(other)
        }
      }
    }
    close(mine)
  }

  @Test("drops an event of a descriptor that another event's handler unwatched", .timeLimit(.minutes(1)))
  func staleEvents() async {
    let (first, firstEnd) = pair()
    let (second, secondEnd) = pair()
    let calls = Mutex(0)
    await LoopThread.wait { done in
      // Both are ready in one wait; whichever is told first takes the other one's event away.
      for (mine, other) in [(first, second), (second, first)] {
        EpollLoop.shared.watch(mine, for: .readable) { _ in
          calls.withLock { $0 += 1 }
          EpollLoop.shared.unwatch(mine)
          EpollLoop.shared.unwatch(other)
          // The same number is watched anew: the old event must not reach the new watch either.
          EpollLoop.shared.watch(other, for: .peerClosed) { _ in Issue.record("a stale event was delivered") }
          EpollLoop.shared.schedule(after: .milliseconds(5)) {
            EpollLoop.shared.unwatch(other)
            done()
          }
        }
      }
      _ = write(firstEnd, "x", 1)
      _ = write(secondEnd, "x", 1)
    }
    #expect(calls.withLock { $0 } == 1)
    for descriptor in [first, firstEnd, second, secondEnd] { close(descriptor) }
  }

  @Test("unwatching what is not watched does nothing")
  func unwatchTwice() async {
    let (mine, other) = pair()
    await LoopThread.run {
      EpollLoop.shared.unwatch(mine)
      EpollLoop.shared.watch(mine, for: .readable) { _ in }
      EpollLoop.shared.unwatch(mine)
      EpollLoop.shared.unwatch(mine)
      #expect(!EpollLoop.shared.isWatched(mine))
    }
    close(mine)
    close(other)
  }

  @Test("runs what many threads give it, each thread's in its order and all on its own thread", .timeLimit(.minutes(1)))
  func enqueueFromThreads() async {
    let seen = await withTaskGroup(of: [Int].self, returning: [[Int]].self) { group in
      for _ in 0..<8 {
        group.addTask {
          let log = Log()
          for number in 0..<1000 { await log.append(number) }
          return await log.numbers
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
    #expect(seen.count == 8)
    for numbers in seen { #expect(numbers == Array(0..<1000)) }
  }

  @Test("wakes for work that arrives while it sleeps", .timeLimit(.minutes(1)))
  func wakesUp() async {
    for _ in 0..<200 { await LoopThread.run {} }
  }

  @Test("a timer is never early, and one that is cancelled never runs", .timeLimit(.minutes(1)))
  func timers() async {
    await LoopThread.wait { done in
      let begin = MonotonicClock.now
      let cancelled = EpollLoop.shared.schedule(after: .milliseconds(10)) { Issue.record("cancelled") }
      EpollLoop.shared.schedule(after: .milliseconds(20)) {
        #expect(MonotonicClock.now - begin >= 20_000_000)
        done()
      }
      EpollLoop.shared.cancel(cancelled)
    }
  }

  @Test("asks its hooks before it sleeps, and sleeps no longer than they say", .timeLimit(.minutes(1)))
  func beforeSleep() async {
    await LoopThread.wait { done in
      var rounds = 0
      EpollLoop.shared.addBeforeSleep {
        rounds += 1
        if rounds == 3 { done() }
        return rounds < 3 ? .milliseconds(1) : nil
      }
    }
  }

  @Test("an asynchronous function of the loop's actor stays on its thread after each suspension")
  func isolation() async {
    await LoopThread.run {}
    await hop()
  }

  @LoopActor
  private func hop() async {
    #expect(EpollLoop.shared.isOnLoopThread)
    await Task.yield()
    #expect(EpollLoop.shared.isOnLoopThread)
    await Task.detached {}.value
    #expect(EpollLoop.shared.isOnLoopThread)
  }
}

@LoopActor
private final class Log {
  private(set) var numbers: [Int] = []
  nonisolated init() {}
  func append(_ number: Int) {
    #expect(EpollLoop.shared.isOnLoopThread)
    numbers.append(number)
  }
}
