import CLinux
import Glibc

/// What an acceptor has: its place among the others. Lives in the child; ``SeatTable`` is how the master and the
/// siblings see the same.
///
/// How the child is when its body is called: it is killed by the kernel when the master ends. It has descriptors 0, 1,
/// 2, the listeners, the table's eventfds and the plan's `keptDescriptors`, and no other. `SIGTERM` (drain) and
/// `SIGQUIT` (stop quickly) are blocked, so that one that comes early waits until the acceptor's ``SignalDescriptor``
/// reads it. What a terminal sends to all (`SIGINT`, `SIGHUP`) or is the master's to obey (`SIGTTIN`, `SIGTTOU`,
/// `SIGUSR1`, `SIGUSR2`) is ignored, and so is `SIGPIPE`; a program that the acceptor executes must set these back. All
/// others have their default action. The body leaves with `_exit`.
public struct AcceptorSeat: Sendable {
  static let blockedSignals = [SIGTERM, SIGQUIT]
  static let ignoredSignals = [SIGINT, SIGHUP, SIGTTIN, SIGTTOU, SIGUSR1, SIGUSR2, SIGPIPE]

  /// The seat's number in the table.
  public let index: Int
  public let generation: Int
  public let listeners: [ListenSocket]
  /// Names this life of the process, among all acceptors that ever ran on this store. Never 0.
  public let ownerNumber: Int64
  public let table: SeatTable

  /// The master makes one before each fork; in-process tests of an acceptor make their own.
  public init(index: Int, generation: Int, listeners: [ListenSocket], ownerNumber: Int64, table: SeatTable) {
    self.index = index
    self.generation = generation
    self.listeners = listeners
    self.ownerNumber = ownerNumber
    self.table = table
  }

  /// Readable after a sibling or the master called `table.wake(index)`; read it empty, it is not blocking.
  public var wakeDescriptor: Int32 { table.wakeDescriptor(of: index) }

  /// Whether this acceptor does what one process shall do for all. May change at any time; it is woken when it becomes
  /// so.
  public var isHousekeeper: Bool { table.housekeeper == index }

  /// To be called once, when connections can be served; the master waits for it with a limit.
  public func markReady() {
    beat()
    table.setState(.ready, of: index)
    table.wakeMaster()
  }

  /// Says that the loop still turns. An acceptor that is ready and does not beat for the plan's `heartbeatLimit` is
  /// killed.
  public func beat() { table.beat(index, at: .now) }

  /// Says that nothing new is taken any more.
  public func markDraining() {
    table.setState(.draining, of: index)
    table.wakeMaster()
  }

  /// Takes in that the seat was woken: empties ``wakeDescriptor``.
  public func acknowledgeWake() {
    var count: UInt64 = 0
    // EAGAIN: it was empty already.
    _ = read(wakeDescriptor, &count, MemoryLayout<UInt64>.size)
  }

  /// The signals that an acceptor is told things by, as a descriptor. `SIGTERM`: finish and leave within the drain
  /// limit; `SIGQUIT`: leave now.
  public static func signalDescriptor() throws(PreforkError) -> SignalDescriptor {
    try SignalDescriptor(blockedSignals)
  }
}
