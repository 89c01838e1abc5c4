import Glibc
import Testing

@Suite("a task in a child")
struct RunInChildTests {
  @Test("its value comes back as its exit status")
  func value() throws {
    let toy = try ToyServer("child=seven")
    let task = try toy.heard("task")
    #expect(task.values["parent"] == "\(toy.pid)")
    #expect(try toy.heard("ended").values["end"] == "exit_status_7")
    #expect(try toy.ended() == 0)
  }

  @Test("its crash is told with the signal")
  func crash() throws {
    let toy = try ToyServer("child=abort")
    #expect(try toy.heard("ended").values["end"] == "signal_SIGABRT")
    #expect(try toy.ended() == 0)
  }

  @Test("beyond its limit it is killed")
  func limit() throws {
    let toy = try ToyServer("child=hang", "limit=500")
    try toy.heard("task")
    #expect(try toy.heard("ended").values["end"] == "killed_at_its_time_limit")
    #expect(try toy.ended() == 0)
  }

  @Test("it does not outlive who waits for it")
  func parentKilled() throws {
    let toy = try ToyServer("child=hang")
    try toy.heard("task")
    toy.signal(SIGKILL)
    #expect(try toy.ended() == 128 + SIGKILL)
  }
}
