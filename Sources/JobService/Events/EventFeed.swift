// The events of all jobs for the clients of this acceptor.
//
// Each event is read and made into text once for all who watch. A client that does not take what it was given costs its
// stream's small buffer and no more: it goes on from its place in the ring when there is room, and is let go when the ring
// has overtaken it. Its EventSource then asks again with the last id it saw.

import EventLoop
import HTTPServer
import JobModel

@LoopActor
final class EventFeed {
  let ring: EventRing
  private let seat: Int
  private var everything: [ObjectIdentifier: EventWatcher] = [:]
  private var single: [JobID: [EventWatcher]] = [:]
  private(set) var count = 0
  /// The number of the next event for those who are live.
  private var next: UInt64
  /// Of what those who are live were given.
  private var order = EventOrder()
  private var timer: TimerToken?
  private var readAt: UInt64 = 0
  /// An event whose writer is not done, and since when.
  private var unready: (number: UInt64, since: UInt64)?
  private var pings: TimerToken?
  private var isClosed = false
  /// Called for each client that was let go because it took too little.
  var onDropped: @LoopActor () -> Void = {}

  /// Events that come closer together are sent together.
  static let gathering = Duration.milliseconds(10)
  /// A writer takes a microsecond; one that takes this long was killed.
  static let writerPatience = Duration.milliseconds(200)
  /// Proxies close connections that are silent, many of them after a minute.
  static let pingInterval = Duration.seconds(15)
  /// Events that a client which is behind is given at one go.
  static let catchUpLimit = 256
  /// How far back it is looked whether an event that comes next was overtaken by a later one.
  static let lookBack: UInt64 = 256

  init(ring: EventRing, seat: Int) {
    self.ring = ring
    self.seat = seat
    next = ring.head
    ring.setWatching(false, seat: seat)
  }

  // MARK: - Posting

  /// Tells those who watch here; those of other acceptors are woken by the caller.
  func posted() { if count > 0 { readSoon() } }

  // MARK: - Watching

  /// - Parameters:
  ///   - job: whose events; `nil`: everybody's.
  ///   - lastSeen: the number of the last event that the client has; `nil`: it has none.
  func watch(_ job: JobID?, after lastSeen: UInt64?) -> EventWatcher {
    if count == 0 {
      ring.setWatching(true, seat: seat)
      next = ring.head
      ping()
    }
    let watcher = EventWatcher(job: job, next: lastSeen.map { $0 + 1 } ?? ring.head)
    count += 1
    if let job { single[job, default: []].append(watcher) } else { everything[ObjectIdentifier(watcher)] = watcher }
    watcher.stream.onClientGone = { [weak self, weak watcher] in if let watcher { self?.forget(watcher) } }
    // A client waits less long than a browser would (3 s or so) before it asks again.
    watcher.stream.write(Array("retry: 1000\n\n".utf8))
    if isClosed { end(watcher) }
    return watcher
  }

  /// The watcher has all it starts with, and is given what came meanwhile, and what comes.
  func begin(_ watcher: EventWatcher) {
    guard watcher.pace == .starting else { return }
    watcher.pace = .behind
    catchUp(watcher)
  }

  /// Closes the client's stream; it may ask again.
  func end(_ watcher: EventWatcher) {
    watcher.stream.finish()
    forget(watcher)
  }

  /// Closes every stream: the acceptor leaves. What happened up to now is sent first.
  func close() {
    if count > 0 { read() }
    isClosed = true
    for watcher in Array(everything.values) + single.values.flatMap({ $0 }) { end(watcher) }
  }

  private func forget(_ watcher: EventWatcher) {
    if let job = watcher.job {
      guard let place = single[job]?.firstIndex(where: { $0 === watcher }) else { return }
      single[job]?.remove(at: place)
      if single[job]?.isEmpty == true { single[job] = nil }
    } else if everything.removeValue(forKey: ObjectIdentifier(watcher)) == nil {
      return
    }
    watcher.stream.onDrain = nil
    count -= 1
    guard count == 0 else { return }
    ring.setWatching(false, seat: seat)
    for token in [timer, pings] { if let token { EpollLoop.shared.cancel(token) } }
    (timer, pings) = (nil, nil)
  }

  private func ping() {
    pings = EpollLoop.shared.schedule(after: Self.pingInterval) { [weak self] in
      guard let self else { return }
      let comment = Array(": ping\n\n".utf8)
      for watcher in Array(everything.values) + single.values.flatMap({ $0 }) where watcher.pace == .live {
        watcher.stream.write(comment)
      }
      ping()
    }
  }

  // MARK: - Reading

  private func readSoon() {
    guard timer == nil else { return }
    let sinceLast = MonotonicClock.now - readAt
    let gathering = Self.gathering.nanosecondsClamped
    let wait = sinceLast >= gathering ? 0 : gathering - sinceLast
    timer = EpollLoop.shared.schedule(after: .nanoseconds(Int64(wait))) { [weak self] in
      self?.timer = nil
      self?.read()
    }
  }

  private func read() {
    readAt = MonotonicClock.now
    ring.beginsToRead(seat: seat)
    let (events, end) = events(from: next, limit: EventRing.capacity, waits: true)
    var all: [UInt8] = []
    for (number, event) in events where order.isNews(event) {
      let watchers = single[event.id] ?? []
      if watchers.isEmpty && everything.isEmpty { continue }
      let start = all.count
      event.write(named: eventID(number), into: &all)
      for watcher in watchers where watcher.pace == .live && watcher.concerns(number, event) {
        give(watcher, Array(all[start...]), upTo: number + 1)
        if event.isLast { self.end(watcher) }
      }
    }
    next = end
    for watcher in Array(everything.values) where watcher.pace == .live { give(watcher, all, upTo: end) }
    for watcher in single.values.joined() where watcher.pace == .live { watcher.next = end }
    if next < ring.head { readSoon() }
  }

  /// The events from `start` on that can be read, and where to go on.
  private func events(from start: UInt64, limit: Int, waits: Bool) -> ([(UInt64, JobEvent)], UInt64) {
    var events: [(UInt64, JobEvent)] = []
    var number = max(start, ring.oldest)
    let head = ring.head
    while number < head, events.count < limit {
      switch ring.look(at: number) {
      case .event(let event): events.append((number, event))
      case .gone: break
      case .notReady:
        if waits && isWaited(number) { return (events, number) }
      }
      number += 1
    }
    return (events, number)
  }

  /// Whether an entry that is not ready is worth waiting for.
  private func isWaited(_ number: UInt64) -> Bool {
    let now = MonotonicClock.now
    if let unready, unready.number == number { return now - unready.since < Self.writerPatience.nanosecondsClamped }
    unready = (number, now)
    return true
  }

  private func give(_ watcher: EventWatcher, _ text: [UInt8], upTo number: UInt64) {
    watcher.next = number
    if watcher.stream.write(text) { return }
    watcher.pace = .behind
    goOnWhenThereIsRoom(watcher)
  }

  private func goOnWhenThereIsRoom(_ watcher: EventWatcher) {
    watcher.stream.onDrain = { [weak self, weak watcher] in if let watcher { self?.catchUp(watcher) } }
  }

  /// Gives a client that is behind what it has missed, as much as it takes.
  private func catchUp(_ watcher: EventWatcher) {
    while watcher.pace == .behind, watcher.stream.isOpen {
      if watcher.next < ring.oldest {
        onDropped()
        return end(watcher)
      }
      if watcher.next >= next {
        watcher.pace = .live
        return
      }
      // What was not ready when the others were here never will be.
      let start = watcher.next
      let (found, upTo) = events(
        from: max(start, Self.lookBack) - Self.lookBack, limit: Self.catchUpLimit + Int(Self.lookBack), waits: false)
      watcher.next = min(upTo, next)
      var order = EventOrder()
      let mine = found.filter { number, event in
        order.isNews(event) && number >= start && number < next && watcher.concerns(number, event)
      }
      var text: [UInt8] = []
      for (number, event) in mine { event.write(named: eventID(number), into: &text) }
      let hasRoom = watcher.stream.write(text)
      if watcher.job != nil, mine.contains(where: { $0.1.isLast }) { return end(watcher) }
      if !hasRoom { return goOnWhenThereIsRoom(watcher) }
    }
  }

  // MARK: - Names of events

  /// `EPOCH-NUMBER`, both in base 36: another server's numbers mean nothing here.
  func eventID(_ number: UInt64) -> String {
    String(ring.epoch, radix: 36) + "-" + String(number, radix: 36)
  }

  /// What a client's `Last-Event-ID` means.
  enum Resumption: Equatable {
    /// It goes on after this number.
    case after(UInt64)
    /// It names events that cannot be given any more.
    case lost
    /// It is not an id that a server of this kind gives out.
    case malformed
  }

  func resumption(_ text: String) -> Resumption {
    let parts = text.split(separator: "-", omittingEmptySubsequences: false)
    guard parts.count == 2, let epoch = UInt64(parts[0], radix: 36), let number = UInt64(parts[1], radix: 36) else {
      return .malformed
    }
    guard epoch == ring.epoch, number < ring.head, number + 1 >= ring.oldest else { return .lost }
    return .after(number)
  }
}
