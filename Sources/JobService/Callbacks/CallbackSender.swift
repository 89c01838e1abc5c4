// Tells callback URLs of jobs that ended: takes what is due from the store, sends it, and writes what became of it.
//
// Every acceptor has one. None of them owns a callback for longer than a lease: when one ends, the others take over. It
// decides nothing about times and counts, which are CallbackPolicy's.

import EventLoop
import JobModel
import JobStore
import Logging
import OutgoingHTTP

@LoopActor
final class CallbackSender {
  struct Settings: Sendable {
    var allowsPrivateAddresses: Bool
    /// `nil`: callbacks are not signed.
    var secret: [UInt8]?
  }

  private let dispatcher: Dispatcher
  private let store: any JobStore
  private let settings: Settings
  private let log: Logger
  /// Made with the first callback: most servers send none, and need no thread for them.
  private var fetches: Result<FetchLoop, FetchError>?

  private var underWay: [String: Int] = [:]
  private var underWayCount = 0
  private var lastHost: String?
  private var timer: TimerToken?
  private var isLooking = false
  private var looksAgain = false
  private var isStopped = false

  /// Of this acceptor. A host that hangs occupies no more than its own few places.
  static let limit = 128
  static let limitPerHost = 4
  static let timeLimit = Duration.seconds(15)
  /// Longer than an attempt and the writing of its end may take.
  static let lease = Duration.seconds(30)
  /// Of an answer's body, which nobody reads.
  static let answerLimitBytes = 64 * 1024
  /// When to look again for callbacks that another acceptor left, or that wait for a place of their host.
  static let idleInterval = Duration.seconds(10)
  static let busyInterval = Duration.seconds(1)

  init(dispatcher: Dispatcher, settings: Settings, log: Logger) {
    self.dispatcher = dispatcher
    store = dispatcher.store
    self.settings = settings
    self.log = log
  }

  /// Looks for callbacks that are due: at the start, and whenever a job with a callback URL has ended here.
  func look() {
    if isStopped { return }
    if isLooking {
      looksAgain = true
      return
    }
    isLooking = true
    Task { await self.takeDue() }
  }

  /// Takes no more. What is under way goes on as long as this process lives; what it cannot finish is repeated by others.
  func stop() {
    isStopped = true
    if let timer { EpollLoop.shared.cancel(timer) }
    timer = nil
  }

  // MARK: - Taking

  private func takeDue() async {
    var pause: Duration
    repeat {
      looksAgain = false
      do {
        pause = try await takeOnce()
      } catch {
        log.warning("callbacks cannot be looked for yet", metadata: ["error": "\(error)"])
        pause = Self.busyInterval
      }
    } while (looksAgain || pause == .zero) && !isStopped
    isLooking = false
    wait(pause)
  }

  /// - Returns: when to look again.
  private func takeOnce() async throws(StoreError) -> Duration {
    // At its limit it looks again when one ends.
    guard underWayCount < Self.limit, let due = try await store.nextCallbackDue() else { return Self.idleInterval }
    let now = Timestamp.now
    if due > now { return min(now.duration(to: due), Self.idleInterval) }
    let taken = try await store.claimCallbacks(
      CallbackClaimRequest(
        now: now, leaseUntil: now.advanced(by: Self.lease), limit: Self.limit - underWayCount,
        limitPerHost: Self.limitPerHost, underWay: underWay, after: lastHost))
    lastHost = taken.last
    for claim in taken.claims {
      underWay[claim.host, default: 0] += 1
      underWayCount += 1
      Task { await self.deliver(claim) }
    }
    // Nothing taken of what is due: it waits for a place of its host.
    return taken.claims.isEmpty ? Self.busyInterval : .zero
  }

  private func wait(_ pause: Duration) {
    if let timer { EpollLoop.shared.cancel(timer) }
    timer = nil
    if isStopped { return }
    timer = EpollLoop.shared.schedule(after: max(pause, .milliseconds(1))) { [weak self] in
      self?.timer = nil
      self?.look()
    }
  }

  // MARK: - Sending

  private func deliver(_ claim: CallbackClaim) async {
    announce(claim.job)
    do {
      if let job = try await store.job(claim.job), job.revision == claim.revision, job.state.isFinal {
        let outcome = await send(CallbackMessage(job), to: claim.url)
        await record(claim, outcome)
      }
    } catch {
      log.warning("a callback waits for the store", metadata: ["job": "\(claim.job)", "error": "\(error)"])
    }
    let left = (underWay[claim.host] ?? 1) - 1
    underWay[claim.host] = left > 0 ? left : nil
    underWayCount -= 1
    look()
  }

  private func send(_ message: CallbackMessage, to url: String) async -> CallbackOutcome {
    let allowsAll = settings.allowsPrivateAddresses
    let request = FetchRequest(
      url: url, method: .post(message.body), headers: message.headers(now: .now, secret: settings.secret),
      followsRedirects: false, dropsBody: true, maxBytes: Self.answerLimitBytes, timeLimit: Self.timeLimit,
      mayConnect: { allowsAll || $0.isPublic })
    do {
      return .answered(status: try await loop().fetch(request).status)
    } catch {
      return .unreached("\(error)")
    }
  }

  private func loop() throws(FetchError) -> FetchLoop {
    if let fetches { return try fetches.get() }
    let made = Result { () throws(FetchError) in try FetchLoop() }
    fetches = made
    return try made.get()
  }

  /// The store being away loses no end: it is offered until the lease ends, and after that the callback is repeated.
  private func record(_ claim: CallbackClaim, _ outcome: CallbackOutcome) async {
    let delivery = CallbackPolicy.after(outcome, attempts: claim.attempt, now: .now, jitter: .random(in: 0...1))
    let patience = MonotonicClock.now + (Self.lease - Self.timeLimit).nanosecondsClamped
    while true {
      do {
        if try await store.recordCallback(claim, delivery) { tell(claim, delivery) }
        return
      } catch {
        log.error(
          "what became of a callback cannot be stored yet", metadata: ["job": "\(claim.job)", "error": "\(error)"])
        if error.kind == .closed || MonotonicClock.now > patience { return }
        await EpollLoop.shared.sleep(.seconds(1))
      }
    }
  }

  private func tell(_ claim: CallbackClaim, _ delivery: CallbackDelivery) {
    let counter: Counter =
      switch delivery.state {
      case .delivered: .callbacksDelivered
      case .pending: .callbacksRetried
      case .failed: .callbacksFailed
      }
    dispatcher.memory.counters.add(counter, seat: dispatcher.identity.seat)
    if let reason = delivery.lastError {
      // Without the URL, which may hold a secret of its receiver's.
      log.log(
        level: delivery.state == .failed ? .warning : .info,
        delivery.state == .failed ? "a callback is given up" : "a callback failed and is tried again",
        metadata: ["job": "\(claim.job)", "host": "\(claim.host)", "attempt": "\(claim.attempt)", "error": "\(reason)"])
    }
    announce(claim.job)
  }

  /// The job's document shows what becomes of its callback.
  private func announce(_ job: JobID) {
    dispatcher.announceChange(of: job)
    dispatcher.listener?.changed(job)
  }
}
