/// The life of an acceptor, run in the forked child: serves until told to leave, and leaves with `_exit`.
public typealias AcceptorBody = (AcceptorSeat) -> Never

/// Acceptors that one reading of the configuration makes.
public struct AcceptorGeneration {
  /// What they take to finish after `SIGTERM`. They are killed a little (``MasterPlan/drainMargin``) later.
  public var drainTimeout: Duration
  public var run: AcceptorBody

  public init(drainTimeout: Duration = .seconds(30), run: @escaping AcceptorBody) {
    self.drainTimeout = drainTimeout
    self.run = run
  }

  /// From `SIGTERM` to `SIGKILL`.
  var drainLimit: Duration { drainTimeout + MasterPlan.drainMargin }
}

/// What a ``Master`` is to do.
public struct MasterPlan {
  /// Shared by all acceptors of all generations. Their Unix socket files are removed when the master ends.
  public var listeners: [ListenSocket]
  /// 1 to ``SeatTable/maximumAcceptors``.
  public var acceptors: Int
  /// From an acceptor's fork to ``AcceptorSeat/markReady()``.
  public var readyLimit = Duration.seconds(30)
  /// The longest time between two calls of ``AcceptorSeat/beat()``.
  public var heartbeatLimit = Duration.seconds(30)
  /// Descriptors made on purpose before the fork that the acceptors are to have, besides those of this room.
  public var keptDescriptors: [Int32] = []
  /// Shown by `ps`; at most 15 bytes.
  public var acceptorName = "millrace-accept"
  public var log: Log
  public var first: AcceptorGeneration
  /// Reads the configuration anew, in the master, and gives the next generation. If an old acceptor must be restarted after
  /// a reload failed, it gets the body that belongs to its own generation. What it throws is logged.
  public var reload: () throws -> AcceptorGeneration

  /// What an acceptor may take beyond its drain timeout to write down what it did not finish.
  public static let drainMargin = Duration.seconds(8)

  public init(
    listeners: [ListenSocket], acceptors: Int, first: AcceptorGeneration, log: @escaping Log,
    reload: @escaping () throws -> AcceptorGeneration
  ) {
    self.listeners = listeners
    self.acceptors = acceptors
    self.log = log
    self.first = first
    self.reload = reload
  }
}
