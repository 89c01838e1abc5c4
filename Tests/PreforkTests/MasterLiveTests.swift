// The real master with real processes and real signals: how it starts, keeps up and stops acceptors. Each test ends
// with the end of the toy's output, which proves that no process of it is left.

import CLinux
import Glibc
import Testing

@Suite("a running master", .serialized)
struct MasterLiveTests {
  @Test("acceptors start, are named, and have no descriptor that is not theirs")
  func starts() throws {
    let toy = try ToyServer("acceptors=2")
    for seat in 0..<2 {
      let line = try toy.heard("ready", ["seat": "\(seat)", "generation": "1"])
      #expect(line.values["secret"] == "false")
      #expect(line.values["command"] == "millrace-accept")
      #expect(line.values["owner"].flatMap { Int64($0) } ?? 0 > 0)
    }
    toy.signal(SIGTERM)
    #expect(try toy.ended() == 0)
  }

  @Test("a killed acceptor is replaced, under a new owner number, and its restarts are counted")
  func replacesKilled() throws {
    let toy = try ToyServer("acceptors=2")
    let first = try toy.heard("ready", ["seat": "0"])
    try toy.heard("ready", ["seat": "1"])
    try toy.heardLog("acceptor is ready", ["seat": "0"])
    try toy.heardLog("acceptor is ready", ["seat": "1"])
    kill(first.pid, SIGKILL)
    try toy.heardLog("acceptor died", ["seat": "0", "end": "SIGKILL"])
    let second = try toy.heard("ready", ["seat": "0"])
    #expect(second.pid != first.pid)
    #expect(second.values["owner"] != first.values["owner"])
    #expect(second.values["restarts"] == "1")
    toy.signal(SIGTERM)
    #expect(try toy.ended() == 0)
  }

  @Test("the housekeeper hears of a sibling's death, and its own owner number is not to be rescued")
  func tellsHousekeeper() throws {
    let toy = try ToyServer("acceptors=3")
    for seat in 0..<3 { try toy.heardLog("acceptor is ready", ["seat": "\(seat)"]) }
    let victim = try toy.heard("ready", ["seat": "2"])
    kill(victim.pid, SIGKILL)
    let keeper = try toy.heard("housekeeper", ["deaths": "1"])
    #expect(keeper.values["seat"] == "0")
    #expect(keeper.values["spares_own"] == "true")
    kill(keeper.pid, SIGKILL)
    #expect(try toy.heard("housekeeper", ["deaths": "2"]).values["seat"] != "0")
    toy.signal(SIGQUIT)
    #expect(try toy.ended() == 0)
  }

  @Test("acceptors that always die before they are ready are given up, after backing off")
  func givesUp() throws {
    let toy = try ToyServer("acceptors=2", "life=crash")
    try toy.heardLog("acceptor comes back after a while", ["seat": "0", "failures": "4"])
    try toy.heardLog("giving up", ["level": "critical", "last_end": "exit_status_3"])
    #expect(try toy.ended() == 1)
  }

  @Test("an acceptor that stops beating is killed and replaced")
  func killsHung() throws {
    let toy = try ToyServer("acceptors=1", "life=hang", "heartbeat=1000")
    try toy.heardLog("acceptor hangs, and is killed", ["seat": "0"])
    try toy.heardLog("acceptor started", ["seat": "0"])
    try toy.heardLog("acceptor started", ["seat": "0"])
    toy.signal(SIGTERM)
    #expect(try toy.ended() == 0)
  }

  @Test("a stopped acceptor (SIGSTOP) is killed and replaced, its sibling is not touched")
  func killsStopped() throws {
    let toy = try ToyServer("acceptors=2", "heartbeat=4000")
    let first = try toy.heard("ready", ["seat": "0"])
    try toy.heardLog("acceptor is ready", ["seat": "0"])
    kill(first.pid, SIGSTOP)
    try toy.heardLog("acceptor hangs, and is killed", ["seat": "0"])
    #expect(try toy.heard("ready", ["seat": "0"]).pid != first.pid)
    #expect(toy.said("log", ["message": "hangs", "seat": "1"]).isEmpty)
    toy.signal(SIGTERM)
    #expect(try toy.ended() == 0)
  }

  @Test("a process that a dead acceptor left behind is killed")
  func killsStrays() throws {
    let toy = try ToyServer("acceptors=1", "life=orphan")
    try toy.heard("orphan")
    let first = try toy.heard("ready", ["seat": "0"])
    try toy.heardLog("acceptor is ready", ["seat": "0"])
    kill(first.pid, SIGKILL)
    try toy.heardLog("a process that an acceptor left behind is killed")
    toy.signal(SIGTERM)
    #expect(try toy.ended() == 0)
  }

  @Test("what is left behind at the end is killed too")
  func killsStraysAtTheEnd() throws {
    let toy = try ToyServer("acceptors=1", "life=orphan")
    try toy.heard("orphan")
    try toy.heardLog("acceptor is ready", ["seat": "0"])
    toy.signal(SIGTERM)
    #expect(try toy.heard("stopped").values["children"] == "-1")
    #expect(try toy.ended() == 0)
  }

  @Test("a child that the process had before it became a master is left alone")
  func leavesInheritedChildren() throws {
    let toy = try ToyServer("acceptors=1", "sidecar=1")
    let sidecar = try toy.heard("sidecar")
    defer { kill(sidecar.pid, SIGKILL) }
    let first = try toy.heard("ready")
    kill(first.pid, SIGKILL)
    try toy.heard("ready", ["restarts": "1"])
    toy.signal(SIGTERM)
    #expect(try toy.heard("stopped").values["children"] == "0")
    #expect(kill(sidecar.pid, 0) == 0)
    kill(sidecar.pid, SIGKILL)
    #expect(try toy.ended() == 0)
  }

  @Test("when the master is killed nobody outlives it")
  func masterKilled() throws {
    let toy = try ToyServer("acceptors=3", "life=deaf")
    for seat in 0..<3 { try toy.heard("ready", ["seat": "\(seat)"]) }
    toy.signal(SIGKILL)
    #expect(try toy.ended() == 128 + SIGKILL)
  }

  @Test("a thread before the fork stops the master loudly")
  func refusesThreads() throws {
    let toy = try ToyServer("thread=1")
    try toy.heard("log", ["level": "critical", "message": "has_2_threads"])
    #expect(try toy.ended() == 1)
    #expect(toy.said("ready").isEmpty)
  }
}
