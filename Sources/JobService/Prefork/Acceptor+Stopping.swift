// The end of an acceptor: alone, at a reload or when its fork server is gone, or with the whole server.

import Configuration
import EventLoop
import Glibc
import HTTPServer
import JobModel
import JobStore
import Logging
import Multiprocessing
import Prefork

extension Acceptor {
  /// How long idle connections of an acceptor that leaves alone are kept.
  static let lastRequestsLimit = Duration.seconds(2)
  /// What the last replies of a stopping server may take. With `Dispatcher.interruptLimit`, the last requests and the close
  /// it must fit into the master's `drainMargin`, and without the last requests into a quick stop (5 s), or this process is
  /// killed.
  static let lastRepliesLimit = Duration.milliseconds(1500)
  /// What closing the store and ending the workers may take.
  static let closeLimit = Duration.seconds(1)

  func obey(_ signal: Int32) {
    switch signal {
    case SIGTERM: stop(limit: plan.configuration.drainTimeout)
    case SIGQUIT: stop(limit: .zero)
    default: log.warning("an unexpected signal", metadata: ["signal": "\(signal)"])
    }
  }

  /// Finishes what runs within `limit`, gives back the rest, answers whoever waits, and ends the process.
  ///
  /// A second, quicker stop while one is under way is the master's to enforce: it kills.
  func stop(limit: Duration) {
    if isStopping {
      if limit == .zero { Task { await dispatcher.drain(limit: .zero) } }
      return
    }
    isStopping = true
    seat.markDraining()
    housekeeper.stop()
    callbacks.stop()
    api.isDraining = true
    server.closeAfterReply = true
    // While the whole server stops, polls are still answered. An acceptor that leaves alone leaves them to the others.
    if !seat.table.isStopping { server.stopAccepting() }
    Task {
      let began = MonotonicClock.now
      await dispatcher.drain(limit: limit)
      await lastWaits(until: began + limit.nanosecondsClamped)
      api.waits.abandonAll()
      api.watches.endAll()
      api.events.close()
      server.stopAccepting()
      if limit > .zero { await lastRequests() }
      server.closeIdle()
      await lastReplies()
      // Whatever hangs from here on is given up: nothing is left to lose.
      EpollLoop.shared.schedule(after: Self.closeLimit) { _exit(0) }
      // Not before: others take over a batch only when this process is gone, and its jobs may run for long.
      batches.stop()
      server.close()
      await store.close()
      // Waited for, so that the master finds no strays of this process.
      await pool?.terminateAndWait()
      EpollLoop.shared.stop()
    }
  }

  /// Clients may wait here for jobs that other acceptors still finish.
  private func lastWaits(until end: UInt64) async {
    let seats = plan.memory.seats
    func someoneWorks() -> Bool {
      (0..<seats.seats).contains { other in
        other != seat.index && seat.table.state(of: other) != .empty
          && Executor.allCases.contains { seats.running($0, seat: other) > 0 }
      }
    }
    while !api.waits.isEmpty || !api.watches.isEmpty, someoneWorks(), MonotonicClock.now < end {
      await EpollLoop.shared.sleep(.milliseconds(20))
    }
  }

  /// Gives clients a moment to use their open connections once more: the reply then tells them to make a new one, which
  /// another acceptor takes. So none of their requests meets a connection being closed, nor does the first request of a
  /// connection that was just accepted.
  private func lastRequests() async {
    let end = MonotonicClock.now + Self.lastRequestsLimit.nanosecondsClamped
    while server.connectionCount > 0, MonotonicClock.now < end { await EpollLoop.shared.sleep(.milliseconds(20)) }
  }

  private func lastReplies() async {
    if server.requestsInFlight == 0 { return }
    await withCheckedContinuation { continuation in
      var waiting: CheckedContinuation<Void, Never>? = continuation
      let finish: @LoopActor () -> Void = {
        waiting?.resume()
        waiting = nil
      }
      server.onIdle = finish
      EpollLoop.shared.schedule(after: Self.lastRepliesLimit, finish)
    }
  }
}
