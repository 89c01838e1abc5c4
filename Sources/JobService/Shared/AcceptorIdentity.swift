import JobModel

/// Who this acceptor is among the others, and how it reaches them.
struct AcceptorIdentity: Sendable {
  let seat: Int
  let owner: OwnerID
  let notices: NoticeRings
  /// Whether an acceptor sits in that seat.
  let isTaken: @Sendable (Int) -> Bool
  /// Whether the whole server is being stopped, even if this acceptor was not told yet.
  let isServerStopping: @Sendable () -> Bool
  /// Wakes the acceptor of another seat.
  let wake: @Sendable (Int) -> Void

  /// Posts a notice that all other acceptors can read, and wakes those for which `matters` is true; the rest read it when
  /// they next have a reason to look.
  func post(_ notice: Notice, wakingSeatsWhere matters: (Int) -> Bool) {
    notices.post(notice, from: seat)
    wakeSeats(where: matters)
  }

  /// Wakes those of the other acceptors for which `matters` is true.
  func wakeSeats(where matters: (Int) -> Bool) {
    for other in 0..<notices.seats where other != seat && matters(other) { wake(other) }
  }

  /// Posts a notice that every other acceptor must act on.
  func postToAll(_ notice: Notice) { post(notice, wakingSeatsWhere: isTaken) }
}
