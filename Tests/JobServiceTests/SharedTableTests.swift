import JobModel
import Testing

@testable import JobService

/// Tables over memory of this process alone: what they do does not depend on who shares the memory.
private func memory(seats: Int = 3) -> ServiceMemory {
  let bytes = ServiceMemory.byteCount(seats: seats)
  let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
  raw.initializeMemory(as: UInt8.self, repeating: 0, count: bytes)
  return ServiceMemory(raw, seats: seats)
}

private func id(_ number: UInt64) -> JobID { JobID(high: number << 16 | 0x7000, low: 0x8000_0000_0000_0000 | number) }

@Suite("Notices between acceptors")
struct NoticeRingsTests {
  @Test("a seat reads what others posted since its cursors, in order, and never its own")
  func readsOthers() {
    let rings = memory().notices
    rings.post(.changed(id(1)), from: 1)
    var cursors = rings.cursors()
    rings.post(.changed(id(2)), from: 1)
    rings.post(.changed(id(3)), from: 1)
    rings.post(.changed(id(4)), from: 0)
    rings.post(.cancel(id(5)), from: 2)
    rings.post(.paused, from: 2)
    rings.post(.scheduled(Timestamp(microseconds: 77)), from: 2)
    let batch = rings.read(&cursors, as: 0)
    #expect(
      batch
        == NoticeBatch(notices: [
          .changed(id(2)), .changed(id(3)), .cancel(id(5)), .paused, .scheduled(Timestamp(microseconds: 77)),
        ]))
    #expect(rings.read(&cursors, as: 0) == NoticeBatch())
  }

  @Test("a reader that was lapped is told so, and goes on with what comes next")
  func lapped() {
    let rings = memory().notices
    var cursors = rings.cursors()
    for number in 0..<5000 { rings.post(.changed(id(UInt64(number))), from: 1) }
    let batch = rings.read(&cursors, as: 0)
    #expect(batch.missedChanges)
    #expect(!batch.missedControls)
    rings.post(.changed(id(9)), from: 1)
    #expect(rings.read(&cursors, as: 0) == NoticeBatch(notices: [.changed(id(9))]))
  }

  @Test("many changes do not push out a request to stop")
  func controlsHaveTheirOwnRing() {
    let rings = memory().notices
    var cursors = rings.cursors()
    rings.post(.cancel(id(1)), from: 1)
    for number in 0..<5000 { rings.post(.changed(id(UInt64(number))), from: 1) }
    let batch = rings.read(&cursors, as: 0)
    #expect(batch.notices == [.cancel(id(1))])
    #expect(batch.missedChanges && !batch.missedControls)
  }

  @Test("changes can be skipped without losing requests to stop")
  func skipping() {
    let rings = memory().notices
    var cursors = rings.cursors()
    rings.post(.changed(id(1)), from: 1)
    rings.post(.cancel(id(2)), from: 1)
    rings.skipChanges(&cursors)
    #expect(rings.read(&cursors, as: 0).notices == [.cancel(id(2))])
  }
}

@Suite("The board of all jobs")
struct JobBoardTests {
  @Test("marking a job changed raises its generation, and the line's is another matter")
  func generations() {
    let board = memory().board
    let before = board.generation(of: id(1))
    board.markChanged(id(1))
    #expect(board.generation(of: id(1)) == before + 1)
    #expect(board.lineGeneration(.process) == 0)
    board.markJoined(.process)
    #expect(board.lineGeneration(.process) == 1)
    #expect(board.lineGeneration(.task) == 0)
  }

  @Test("the estimate of the line follows joins and leaves, is never negative, and is corrected by a count")
  func estimate() {
    let board = memory().board
    board.markJoined(.task, count: 3)
    board.markLeft(.task, count: 1)
    #expect(board.queuedEstimate == 2)
    board.markLeft(.task, count: 5)
    #expect(board.queuedEstimate == 0)
    board.publish(
      queued: [.process: 7], scheduled: 2, running: 1, oldestQueuedAt: Timestamp(microseconds: 5),
      since: board.estimates)
    #expect(board.queuedEstimate == 7)
    #expect(board.scheduled == 2)
    #expect(board.oldestQueuedAt == Timestamp(microseconds: 5))
  }

  @Test("what joins while the store counts is not forgotten when the count comes")
  func joinedMeanwhile() {
    let board = memory().board
    board.markJoined(.process, count: 10)
    let before = board.estimates
    // The store counts 4 of those, and then:
    board.markJoined(.process, count: 60)
    board.markScheduled()
    board.publish(queued: [.process: 4], scheduled: 3, running: 0, oldestQueuedAt: nil, since: before)
    #expect(board.queuedEstimate == 64)
    #expect(board.scheduled == 4)
  }
}

@Suite("What seats publish")
struct SeatTablesTests {
  @Test("counters add up over the seats")
  func counters() {
    let counters = memory().counters
    counters.add(.jobsSubmitted, 2, seat: 0)
    counters.add(.jobsSubmitted, 3, seat: 2)
    counters.addRequest(1, status: 202, seat: 1)
    counters.addRequest(1, status: 299, seat: 2)
    #expect(counters.total(.jobsSubmitted) == 5)
    #expect(counters.total(.jobsFailed) == 0)
    func requests(_ resource: Int, _ status: Int) -> UInt64? {
      Counters.statuses.firstIndex(of: status).map { counters.requests(resource, place: $0, seats: [0, 1, 2]) }
    }
    #expect(requests(1, 202) == 1)
    #expect(requests(2, 202) == 0)
    // Any other status is counted as 0.
    #expect(requests(1, 0) == 1)
  }

  @Test("a histogram counts each value once, in the first bucket that takes it, and adds up over the seats")
  func histograms() {
    let measurements = memory().measurements
    #expect(measurements.usedSeats == [])
    measurements.use(seat: 0)
    measurements.use(seat: 2)
    #expect(measurements.usedSeats == [0, 2])
    for (handler, value, seat) in [(0, 1000, 0), (0, 1001, 2), (0, 90_000_000_000, 2), (1, 0, 0)] {
      measurements.runs(handler).record(.microseconds(value), seat: seat)
    }
    let (counts, sum) = measurements.runs(0).total(seats: measurements.usedSeats)
    #expect(counts.first == 1 && counts[1] == 1 && counts.last == 1 && counts.reduce(0, +) == 3)
    #expect(sum == 90_000_002_001)
    #expect(measurements.runs(1).total(seats: [0, 2]).counts.reduce(0, +) == 1)
    #expect(measurements.waits(0).total(seats: [0, 2]).counts.allSatisfy { $0 == 0 })
    measurements.count(.crashed, of: 5, seat: 2)
    #expect(measurements.total(.crashed, of: 5, seats: [0, 2]) == 1)
    #expect(measurements.total(.crashed, of: 4, seats: [0, 2]) == 0)
  }

  @Test("handlers keep their numbers when more are added, and the last number takes those that are too many")
  func handlerNames() {
    let names = memory().measurements.handlers
    let long = String(repeating: "n", count: 64)
    names.add(["b", long])
    names.add(["a", "b"])
    #expect(names.all == ["b", long, "a"])
    names.add((0..<100).map { "more\($0)" })
    #expect(names.all.count == HandlerNames.capacity - 1)
  }

  @Test("a worker's row shows its job, and clearing a seat leaves the others'")
  func workers() {
    let workers = memory().workers
    let row = WorkerTable.Row(pid: 42, job: id(7), jobsDone: 3)
    workers.set(row, at: 0, seat: 1)
    workers.set(WorkerTable.Row(pid: 43, job: nil, jobsDone: 0), at: 5, seat: 2)
    #expect(workers.rows(seat: 1) == [row])
    workers.clear(seat: 1)
    #expect(workers.rows(seat: 1).isEmpty)
    #expect(workers.rows(seat: 2).count == 1)
  }
}
