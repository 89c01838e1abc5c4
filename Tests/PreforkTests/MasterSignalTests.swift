// The signals a user sends to a master, one test a meaning.

import CLinux
import Glibc
import Testing

@Suite("signals to a running master", .serialized)
struct MasterSignalTests {
  private func start(_ count: Int, _ options: String...) throws -> ToyServer {
    let joined = options + Array(repeating: "", count: max(0, 3 - options.count))
    let toy = try ToyServer("acceptors=\(count)", joined[0], joined[1], joined[2])
    for seat in 0..<count { try toy.heardLog("acceptor is ready", ["seat": "\(seat)"]) }
    return toy
  }

  @Test("TERM and INT let acceptors finish", arguments: [SIGTERM, SIGINT])
  func graceful(_ signal: Int32) throws {
    let toy = try start(2)
    toy.signal(signal)
    try toy.heard("draining", ["seat": "0"])
    try toy.heard("draining", ["seat": "1"])
    #expect(try toy.heard("stopped").values["children"] == "-1")
    #expect(try toy.ended() == 0)
    #expect(toy.said("quitting").isEmpty)
  }

  @Test("after the drain limit acceptors are killed, and the stop was in order all the same")
  func drainLimit() throws {
    let toy = try start(2, "life=deaf", "drain=6000")
    toy.signal(SIGTERM)
    try toy.heard("draining", ["seat": "0"])
    try toy.heardLog("acceptor did not leave in time, and is killed", ["seat": "0"])
    #expect(try toy.ended() == 0)
  }

  @Test("a second TERM stops quickly")
  func secondTerm() throws {
    let toy = try start(2, "life=slow")
    toy.signal(SIGTERM)
    try toy.heard("draining", ["seat": "0"])
    try toy.heard("draining", ["seat": "1"])
    toy.signal(SIGTERM)
    try toy.heard("quitting", ["seat": "0"])
    #expect(try toy.ended() == 0)
  }

  @Test("QUIT stops quickly at once")
  func quit() throws {
    let toy = try start(2, "life=slow")
    toy.signal(SIGQUIT)
    try toy.heard("quitting", ["seat": "0"])
    try toy.heard("quitting", ["seat": "1"])
    #expect(try toy.ended() == 0)
    #expect(toy.said("draining").isEmpty)
  }

  @Test("QUIT kills after 5 seconds who does not listen")
  func quitKills() throws {
    let toy = try start(1, "life=deaf")
    toy.signal(SIGQUIT)
    try toy.heard("quitting", ["seat": "0"])
    try toy.heardLog("acceptor did not leave in time, and is killed")
    #expect(try toy.ended() == 0)
  }

  @Test("TTIN adds an acceptor, TTOU drains the last one")
  func moreAndFewer() throws {
    let toy = try start(1)
    toy.signal(SIGTTIN)
    try toy.heardLog("acceptor is ready", ["seat": "1"])
    toy.signal(SIGTTOU)
    try toy.heard("draining", ["seat": "1"])
    try toy.heardLog("acceptor has left", ["seat": "1"])
    toy.signal(SIGTTOU)
    try toy.heardLog("number of acceptors stays", ["acceptors": "1"])
    #expect(toy.said("draining").isEmpty)
    toy.signal(SIGTERM)
    #expect(try toy.ended() == 0)
  }

  @Test("HUP: a new generation serves before the old one leaves")
  func reload() throws {
    let toy = try start(2, "next=obey")
    toy.signal(SIGHUP)
    for _ in 0..<2 { try toy.heardLog("acceptor is ready", ["generation": "2"]) }
    try toy.heardLog("reloaded", ["generation": "2"])
    for seat in 0..<2 { try toy.heard("draining", ["seat": "\(seat)", "generation": "1"]) }
    for seat in 0..<2 { try toy.heardLog("acceptor has left", ["seat": "\(seat)"]) }
    // The seats that became free serve the next one.
    toy.signal(SIGHUP)
    for seat in 0..<2 { try toy.heard("ready", ["seat": "\(seat)", "generation": "3"]) }
    try toy.heardLog("reloaded", ["generation": "3"])
    toy.signal(SIGTERM)
    #expect(try toy.ended() == 0)
  }

  @Test("HUP: what the new configuration says of the drain limit counts for its acceptors")
  func reloadedDrainLimit() throws {
    let toy = try start(1, "drain=1000000", "next=deaf", "nextdrain=1000")
    toy.signal(SIGHUP)
    try toy.heardLog("reloaded", ["generation": "2"])
    try toy.heardLog("acceptor has left", ["generation": "1"])
    toy.signal(SIGTERM)
    try toy.heard("draining", ["generation": "2"])
    try toy.heardLog("acceptor did not leave in time, and is killed", ["generation": "2"])
    #expect(try toy.ended() == 0)
  }

  @Test("HUP with a bad configuration keeps the old acceptors, and the old body for their successors")
  func reloadFails() throws {
    let toy = try start(1, "next=fail")
    toy.signal(SIGHUP)
    try toy.heardLog("old configuration kept", ["reason": "the_file_is_bad"])
    #expect(toy.said("draining").isEmpty)
    let first = try toy.heard("ready", ["generation": "1"])
    kill(first.pid, SIGKILL)
    #expect(try toy.heard("ready", ["generation": "1"]).values["restarts"] == "1")
    toy.signal(SIGTERM)
    #expect(try toy.ended() == 0)
  }

  @Test("HUP with a generation that is never ready kills it, and keeps the old one")
  func reloadNeverReady() throws {
    let toy = try start(1, "next=unready", "ready=3000")
    toy.signal(SIGHUP)
    let lost = try toy.heard("unready", ["generation": "2"])
    try toy.heardLog("old configuration kept", ["reason": "not_ready"])
    try toy.heardLog("acceptor has left", ["pid": "\(lost.pid)", "end": "SIGKILL"])
    #expect(toy.said("draining").isEmpty)
    toy.signal(SIGTERM)
    try toy.heard("draining", ["generation": "1"])
    #expect(try toy.ended() == 0)
  }

  @Test("HUP with a generation that crashes is given up before its limit")
  func reloadCrashes() throws {
    let toy = try start(1, "next=crash")
    toy.signal(SIGHUP)
    try toy.heardLog("old configuration kept", ["reason": "died_5_times"])
    toy.signal(SIGTERM)
    try toy.heard("draining", ["generation": "1"])
    #expect(try toy.ended() == 0)
  }

  @Test("HUP may run a task in a child, which has signals of its own")
  func reloadRunsTask() throws {
    let toy = try start(1, "next=task")
    toy.signal(SIGHUP)
    #expect(try toy.heard("ended").values["end"] == "signal_SIGTERM")
    try toy.heardLog("reloaded", ["generation": "2"])
    toy.signal(SIGTERM)
    #expect(try toy.ended() == 0)
  }

  @Test("a thread that a reload started stops everything loudly, because no child could be trusted any more")
  func reloadStartsThread() throws {
    let toy = try start(2, "next=thread")
    toy.signal(SIGHUP)
    try toy.heard("log", ["level": "critical", "message": "has_2_threads"])
    try toy.heard("quitting", ["seat": "0"])
    #expect(try toy.ended() == 1)
  }

  @Test("USR1 and USR2 are ignored with a word", arguments: [SIGUSR1, SIGUSR2])
  func ignored(_ signal: Int32) throws {
    let toy = try start(1)
    toy.signal(signal)
    try toy.heardLog("signal has no meaning yet, and is ignored")
    toy.signal(SIGTERM)
    #expect(try toy.ended() == 0)
  }

  @Test("what a terminal sends to all does not end an acceptor", arguments: [SIGINT, SIGHUP, SIGUSR1, SIGPIPE])
  func terminalSignals(_ signal: Int32) throws {
    let toy = try start(1)
    let acceptor = try toy.heard("ready")
    kill(acceptor.pid, signal)
    // TERM comes after it, and is still obeyed.
    kill(acceptor.pid, SIGTERM)
    try toy.heard("draining", ["pid": "\(acceptor.pid)"])
    toy.signal(SIGQUIT)
    #expect(try toy.ended() == 0)
  }
}
