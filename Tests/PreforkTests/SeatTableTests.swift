import ForkSafety
import Glibc
import Testing

@testable import Prefork

@Suite("the seat table")
struct SeatTableTests {
  private func reads(_ descriptor: Int32) -> UInt64? {
    var count: UInt64 = 0
    return read(descriptor, &count, 8) == 8 ? count : nil
  }

  @Test("a new table is empty")
  func empty() throws {
    let table = try SeatTable()
    #expect(table.snapshots().isEmpty)
    #expect(table.housekeeper == nil)
    #expect(table.deathCount == 0)
    #expect(table.masterPid == getpid())
  }

  @Test("a life of a seat: assigned, ready, draining, cleared")
  func life() throws {
    let table = try SeatTable()
    let owner = table.assign(5, generation: 2, restarts: 3)
    table.setPid(4242, of: 5)
    let seat = AcceptorSeat(index: 5, generation: 2, listeners: [], ownerNumber: owner, table: table)
    #expect(table.state(of: 5) == .starting)
    seat.markReady()
    #expect(reads(table.masterWakeDescriptor) == 1)
    var snapshot = try #require(table.snapshots().first)
    #expect(snapshot.heartbeat > MonotonicTime(nanoseconds: 0))
    snapshot.heartbeat = MonotonicTime(nanoseconds: 0)
    #expect(snapshot.startedAt >= table.masterStartedAt)
    snapshot.startedAt = 77
    let expected = SeatSnapshot(
      index: 5, state: .ready, pid: 4242, generation: 2, restarts: 3, startedAt: 77,
      heartbeat: MonotonicTime(nanoseconds: 0), owner: owner)
    #expect(snapshot == expected)
    seat.markDraining()
    #expect(table.state(of: 5) == .draining)
    table.clear(5)
    #expect(table.snapshots().isEmpty)
    #expect(table.snapshot(of: 5).owner == 0)
  }

  @Test("a beat is later than the one before it")
  func beats() throws {
    let table = try SeatTable()
    let seat = AcceptorSeat(index: 0, generation: 1, listeners: [], ownerNumber: 1, table: table)
    seat.beat()
    let first = table.heartbeat(of: 0)
    seat.beat()
    #expect(table.heartbeat(of: 0) >= first)
    #expect(first > MonotonicTime(nanoseconds: 0))
  }

  @Test("an acceptor born after the owners were listed is among them, and a dead one is not")
  func ownersNotToRescue() throws {
    let table = try SeatTable()
    let listed = table.ownersNotToRescue()
    let owner = table.assign(9, generation: 1, restarts: 0)
    #expect(listed.contains(owner))
    #expect(table.ownersNotToRescue().contains(owner))
    table.clear(9)
    #expect(!table.ownersNotToRescue().contains(owner))
    #expect(!listed.contains(0))
    let next = table.assign(9, generation: 1, restarts: 0)
    #expect(next != owner)
  }

  @Test("waking reaches the seat that is meant, and wakes of a seat that is not read add up")
  func wakes() throws {
    let table = try SeatTable()
    table.wake(3)
    table.wake(3)
    #expect(reads(table.wakeDescriptor(of: 3)) == 2)
    #expect(reads(table.wakeDescriptor(of: 3)) == nil)
    #expect(reads(table.wakeDescriptor(of: 2)) == nil)
  }

  @Test("waking all reaches those that are ready")
  func wakesAll() throws {
    let table = try SeatTable()
    for seat in 0..<3 { _ = table.assign(seat, generation: 1, restarts: 0) }
    table.setState(.ready, of: 0)
    table.setState(.ready, of: 1)
    table.wakeAll(except: 0)
    #expect((0..<4).map { reads(table.wakeDescriptor(of: $0)) } == [nil, 1, nil, nil])
  }

  @Test("the housekeeper is who the master says")
  func housekeeper() throws {
    let table = try SeatTable()
    table.setHousekeeper(0)
    #expect(AcceptorSeat(index: 0, generation: 1, listeners: [], ownerNumber: 1, table: table).isHousekeeper)
    #expect(!AcceptorSeat(index: 1, generation: 1, listeners: [], ownerNumber: 1, table: table).isHousekeeper)
    table.setHousekeeper(nil)
    #expect(table.housekeeper == nil)
    table.countDeath()
    #expect(table.deathCount == 1)
  }
}

@Suite("times and ends")
struct MonotonicTimeTests {
  @Test("adding saturates, and a negative duration adds nothing")
  func saturates() {
    let time = MonotonicTime(nanoseconds: 5)
    #expect((time + .seconds(Int64.max)).nanoseconds == .max)
    #expect(time + .seconds(-1) == time)
    #expect((time + .nanoseconds(7)).nanoseconds == 12)
    #expect(time.since(time + .nanoseconds(7)) == .nanoseconds(-7))
  }

  @Test("a wait is rounded up to whole milliseconds")
  func rounding() {
    let time = MonotonicTime(nanoseconds: 0)
    #expect((time + .nanoseconds(1)).pollMilliseconds(from: time) == 1)
    #expect((time + .milliseconds(2)).pollMilliseconds(from: time) == 2)
    #expect(time.pollMilliseconds(from: time + .seconds(1)) == 0)
    #expect(MonotonicTime(nanoseconds: .max).pollMilliseconds(from: time) == .max)
  }

  @Test("the test runner has threads, and so may not fork")
  func threads() async {
    // The runner's own tasks run on the pool's threads.
    await Task.detached { _ = #expect(throws: PreforkError.self) { try SingleThreaded.check(before: "a test") } }.value
  }
}
