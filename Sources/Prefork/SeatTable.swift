// What the master and all acceptors know of one another, in memory that all of them share.
//
// A seat is a place for one acceptor process. Who may write what: the master writes a seat while nobody sits in it
// (before the fork, and after it has reaped the process); in between only the acceptor that sits there does. So each
// field has one writer at a time, and every field is one atomic word. Readers read word by word: two words of a seat
// may be of two lives.

import CLinux
import Glibc
import Synchronization

/// What a seat's acceptor is doing.
public enum SeatState: UInt64, Sendable {
  case empty
  /// Forked, not serving yet.
  case starting
  case ready
  /// Finishing what it has, taking nothing new.
  case draining
  /// Its acceptor died; another will be forked a moment later.
  case backingOff
}

/// One seat as it was read.
public struct SeatSnapshot: Sendable, Equatable {
  public var index: Int
  public var state: SeatState
  /// 0 where nobody sits.
  public var pid: pid_t
  /// Counted from 1; rises with each reload.
  public var generation: Int
  /// How often the seat was filled anew after a death, within this generation.
  public var restarts: Int
  /// Microseconds since 1970.
  public var startedAt: Int64
  public var heartbeat: MonotonicTime
  /// Names this life of the process; 0 where nobody sits.
  public var owner: Int64
}

public final class SeatTable: @unchecked Sendable {
  // @unchecked: constants, and pointers to atomics in memory that is never unmapped.

  /// The most acceptors of one generation.
  public static let maximumAcceptors = 64
  /// Twice as many seats, so that a new generation always fits beside the old one.
  public static let capacity = 2 * maximumAcceptors

  private struct Header: ~Copyable {
    let housekeeper = Atomic<Int>(-1)
    let deathCount = Atomic<UInt64>(0)
    let isStopping = Atomic<Bool>(false)
  }

  /// One cache line, so that an acceptor's heartbeat does not slow down its neighbours'.
  private struct Seat: ~Copyable {
    let state = Atomic<UInt64>(SeatState.empty.rawValue)
    let pid = Atomic<Int64>(0)
    let generation = Atomic<Int>(0)
    let restarts = Atomic<Int>(0)
    let startedAt = Atomic<Int64>(0)
    let heartbeat = Atomic<UInt64>(0)
    let owner = Atomic<Int64>(0)
    /// The owner number that the seat's next acceptor will have.
    let nextOwner = Atomic<Int64>(0)
  }

  /// The process that made the table.
  public let masterPid = getpid()
  /// Microseconds since 1970.
  public let masterStartedAt = SeatTable.microsecondsSince1970

  private static let lineBytes = 64
  private let header: UnsafeMutablePointer<Header>
  private let seats: UnsafeMutablePointer<Seat>
  private let wakeDescriptors: [Int32]
  /// Written by acceptors that have something to show to the master.
  let masterWakeDescriptor: Int32

  /// Makes the table and its eventfds. Before the first fork: all processes are meant to share them.
  public init() throws(PreforkError) {
    precondition(MemoryLayout<Seat>.stride == Self.lineBytes && MemoryLayout<Header>.size <= Self.lineBytes)
    let memory = try SharedMemory.map(bytes: Self.lineBytes * (1 + Self.capacity))
    header = memory.base.bindMemory(to: Header.self, capacity: 1)
    header.initialize(to: Header())
    seats = (memory.base + Self.lineBytes).bindMemory(to: Seat.self, capacity: Self.capacity)
    for index in 0..<Self.capacity {
      (seats + index).initialize(to: Seat())
      seats[index].nextOwner.store(.random(in: 1 ... .max), ordering: .relaxed)
    }
    var descriptors: [Int32] = []
    for _ in 0...Self.capacity {
      let descriptor = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
      guard descriptor >= 0 else {
        let code = errno
        for made in descriptors { close(made) }
        throw .system(operation: "eventfd", code: code)
      }
      descriptors.append(descriptor)
    }
    masterWakeDescriptor = descriptors.removeLast()
    wakeDescriptors = descriptors
  }

  deinit {
    for descriptor in wakeDescriptors { close(descriptor) }
    close(masterWakeDescriptor)
  }

  // MARK: - For all

  /// Makes the acceptor in `seat` look up from its wait. Cheap, from any process; harmless for an empty seat.
  public func wake(_ seat: Int) { Self.notify(wakeDescriptors[seat]) }

  /// Wakes every acceptor that is ready, apart from `seat`.
  public func wakeAll(except seat: Int? = nil) {
    for index in 0..<Self.capacity where index != seat && state(of: index) == .ready { wake(index) }
  }

  /// Readable after ``wake(_:)``; for the acceptor in `seat` only, which reads it empty.
  public func wakeDescriptor(of seat: Int) -> Int32 { wakeDescriptors[seat] }

  /// The seat whose acceptor does what one process shall do for all; `nil` while there is none.
  public var housekeeper: Int? {
    let seat = header.pointee.housekeeper.load(ordering: .acquiring)
    return seat < 0 ? nil : seat
  }

  /// Rises after an acceptor has died and its seat was cleared; the housekeeper is woken then, to rescue its jobs.
  public var deathCount: UInt64 { header.pointee.deathCount.load(ordering: .acquiring) }

  /// Whether the whole server is being stopped: an acceptor that is told to leave while it is not leaves alone, and its
  /// siblings go on.
  public var isStopping: Bool { header.pointee.isStopping.load(ordering: .acquiring) }

  func markStopping() { header.pointee.isStopping.store(true, ordering: .releasing) }

  /// Every owner number under which a process runs, or will be the next to run, in some seat.
  ///
  /// Jobs of any other owner are abandoned. The numbers of the *next* lives are among them because an acceptor may be
  /// born, and claim jobs, between a housekeeper's call of this and its look into the store.
  public func ownersNotToRescue() -> Set<Int64> {
    var owners = Set<Int64>()
    for index in 0..<Self.capacity {
      // The next one first: it is read before, or else after, it becomes the present one, so it is not missed.
      owners.insert(seats[index].nextOwner.load(ordering: .sequentiallyConsistent))
      owners.insert(seats[index].owner.load(ordering: .sequentiallyConsistent))
    }
    owners.remove(0)
    return owners
  }

  public func state(of seat: Int) -> SeatState {
    // Only raw values of SeatState are ever stored.
    SeatState(rawValue: seats[seat].state.load(ordering: .acquiring)) ?? .empty
  }

  public func snapshot(of index: Int) -> SeatSnapshot {
    SeatSnapshot(
      index: index, state: state(of: index),
      pid: pid_t(truncatingIfNeeded: seats[index].pid.load(ordering: .relaxed)),
      generation: seats[index].generation.load(ordering: .relaxed),
      restarts: seats[index].restarts.load(ordering: .relaxed),
      startedAt: seats[index].startedAt.load(ordering: .relaxed), heartbeat: heartbeat(of: index),
      owner: seats[index].owner.load(ordering: .relaxed))
  }

  /// The seats that are not empty, in order.
  public func snapshots() -> [SeatSnapshot] {
    (0..<Self.capacity).lazy.filter { self.state(of: $0) != .empty }.map { self.snapshot(of: $0) }
  }

  func heartbeat(of seat: Int) -> MonotonicTime {
    MonotonicTime(nanoseconds: seats[seat].heartbeat.load(ordering: .relaxed))
  }

  /// Every descriptor of the table, for a child to keep.
  var descriptors: [Int32] { wakeDescriptors + [masterWakeDescriptor] }

  // MARK: - For the acceptor in the seat

  func beat(_ seat: Int, at now: MonotonicTime) {
    seats[seat].heartbeat.store(now.nanoseconds, ordering: .relaxed)
  }

  func setState(_ state: SeatState, of seat: Int) { seats[seat].state.store(state.rawValue, ordering: .releasing) }

  func wakeMaster() { Self.notify(masterWakeDescriptor) }

  // MARK: - For the master

  /// Before the fork: gives the seat to an acceptor that is about to be born, and returns its owner number.
  func assign(_ seat: Int, generation: Int, restarts: Int) -> Int64 {
    let owner = seats[seat].nextOwner.load(ordering: .relaxed)
    seats[seat].owner.store(owner, ordering: .sequentiallyConsistent)
    // After it is the present owner: so it is among `ownersNotToRescue` at every moment.
    seats[seat].nextOwner.store(.random(in: 1 ... .max), ordering: .sequentiallyConsistent)
    seats[seat].generation.store(generation, ordering: .relaxed)
    seats[seat].restarts.store(restarts, ordering: .relaxed)
    seats[seat].startedAt.store(Self.microsecondsSince1970, ordering: .relaxed)
    beat(seat, at: .now)
    setState(.starting, of: seat)
    return owner
  }

  func setPid(_ pid: pid_t, of seat: Int) { seats[seat].pid.store(Int64(pid), ordering: .relaxed) }

  /// After the acceptor was reaped (or could not be forked).
  func clear(_ seat: Int) {
    setState(.empty, of: seat)
    seats[seat].pid.store(0, ordering: .relaxed)
    seats[seat].owner.store(0, ordering: .sequentiallyConsistent)
  }

  func setHousekeeper(_ seat: Int?) { header.pointee.housekeeper.store(seat ?? -1, ordering: .releasing) }

  /// After ``clear(_:)``: whoever sees the new count must not find the dead owner any more.
  func countDeath() { header.pointee.deathCount.add(1, ordering: .acquiringAndReleasing) }

  private static var microsecondsSince1970: Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000
  }

  private static func notify(_ descriptor: Int32) {
    var one: UInt64 = 1
    // EAGAIN means that the counter is full, so its reader is about to wake anyway (eventfd(2)).
    _ = write(descriptor, &one, MemoryLayout<UInt64>.size)
  }
}
