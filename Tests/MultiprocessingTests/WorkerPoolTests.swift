import Testing

/// Each scenario is a process tree of its own, and checks itself; one at a time, because some measure time.
@Suite("A worker pool", .serialized)
struct WorkerPoolTests {
  private func passes(_ scenario: String, backtracing: Bool = true) async throws {
    let result = try await ExampleProgram.run(scenario, backtracing: backtracing)
    #expect(result.status == 0, "\(result.output)")
  }

  // MARK: - Calls

  @Test("a call's bytes come back from another process")
  func roundTrip() async throws { try await passes("round_trip") }

  @Test("a worker holds no descriptor but its own")
  func privateDescriptors() async throws { try await passes("private_descriptors") }

  @Test("what a function throws reaches its caller, and costs no worker")
  func throwing() async throws { try await passes("throwing") }

  @Test("a call is refused, not lost: full, closed, or an unknown function")
  func refusals() async throws { try await passes("refusals") }

  @Test("a function may sleep and have child tasks")
  func asynchronous() async throws { try await passes("async") }

  @Test("what a function prints belongs to its call, all of it, in order")
  func output() async throws { try await passes("output") }

  @Test("progress is thinned out, but the first and the last report come")
  func progress() async throws { try await passes("progress") }

  @Test("answers of all lengths come once, each after its call's report, whatever way they take")
  func answers() async throws { try await passes("answers_of_all_lengths") }

  @Test("64 MB go and come back by sealed memory files")
  func largePayloads() async throws { try await passes("large_payloads") }

  @Test("large payloads stay what they were while later ones take the same memory")
  func rooms() async throws { try await passes("rooms") }

  @Test("large payloads are read in place, each as it was sent, and what that took is given back")
  func views() async throws { try await passes("views") }

  @Test("a result stays readable when its worker is killed while it is read")
  func viewOfKilled() async throws { try await passes("view_of_killed_worker") }

  @Test("a result that is kept stays what it was while later calls run")
  func keptResult() async throws { try await passes("kept_result") }

  @Test("arguments and results are written where they are sent from")
  func inPlace() async throws { try await passes("in_place") }

  @Test("what is kept for large payloads counts for no call")
  func uncountedViews() async throws { try await passes("uncounted_views") }

  @Test("time and memory are measured for each call alone")
  func usage() async throws { try await passes("usage") }

  @Test("a worker is replaced after as many calls as it may do")
  func maxCalls() async throws { try await passes("max_calls") }

  @Test("a draining pool finishes what it took, and leaves no process")
  func drain() async throws { try await passes("drain") }

  @Test("the list of workers shows which call each one has")
  func listing() async throws { try await passes("listing") }

  @Test("what was preloaded is shared, and is not counted against a call's memory limit")
  func preload() async throws { try await passes("preload") }

  @Test("a preload that starts a thread is refused loudly")
  func preloadThreads() async throws { try await passes("preload_threads") }

  // MARK: - Violence

  @Test("a crash ends its own call with signal and backtrace, and the next call runs")
  func crashes() async throws { try await passes("crashes") }

  @Test("without a backtracer a crash still tells its signal, and what the program said last")
  func bareCrash() async throws { try await passes("bare_crash", backtracing: false) }

  @Test("a function that exits ends its call with the exit status")
  func exitStatus() async throws { try await passes("exit_status") }

  @Test("a worker killed under its call is replaced")
  func killedWhileRunning() async throws { try await passes("killed_while_running") }

  @Test("where a worker's socket is closed under it, no call runs twice and none is lost")
  func closedSocket() async throws { try await passes("closed_socket") }

  @Test("a worker that writes nonsense to the bell does not keep the pool asleep")
  func fullBell() async throws { try await passes("full_bell") }

  @Test("a call that is given just before the loop sleeps is answered")
  func callBeforeSleep() async throws { try await passes("call_before_sleep") }

  @Test("a call given to a worker that was just killed runs on another")
  func killedWhileIdle() async throws { try await passes("killed_while_idle") }

  @Test("a call over its time is killed, whatever it does")
  func timeout() async throws { try await passes("timeout") }

  @Test("a call over its memory is killed, slowly leaking or all at once")
  func memory() async throws { try await passes("memory") }

  @Test("a cancelled call stops for certain: by itself, or by SIGKILL after the grace time")
  func cancel() async throws { try await passes("cancel") }

  @Test("a waiting call that is cancelled never starts")
  func cancelWaiting() async throws { try await passes("cancel_waiting") }

  @Test("a fork server that is killed is replaced, and its workers are gone")
  func forkServerKilled() async throws { try await passes("fork_server_killed") }

  @Test("without a nursery every call ends, and the owner hears of it")
  func nurseryKilled() async throws { try await passes("nursery_killed") }

  @Test("what a worker started ends with it, daemons too")
  func strays() async throws { try await passes("strays") }

  @Test("500 calls over 2 workers under random kills all end")
  func storm() async throws { try await passes("storm") }

  @Test("of 5,000 calls sent ahead under random kills, each runs once or crashed, and a kill costs one at most")
  func ahead() async throws { try await passes("ahead") }

  @Test("a call that was sent ahead is cancelled, or outlives the one before it, without having begun")
  func aheadCancel() async throws { try await passes("ahead_cancel") }

  @Test("calls sent ahead do not wait behind a long one while another worker is idle")
  func aheadOfLong() async throws { try await passes("ahead_of_a_long_call") }

  @Test("a pool that spins gives the same answers")
  func spinning() async throws { try await passes("spinning") }

  @Test("1,000 kills leak no descriptor")
  func descriptors() async throws { try await passes("descriptors") }

  @Test("nothing outlives an acceptor that is killed")
  func parentKilled() async throws {
    let tree = try await ExampleProgram.killTreeRoot(within: .seconds(10))
    #expect(tree.below.count == 7, "nursery, fork server, two workers and three of their children: \(tree.below)")
    #expect(tree.left.isEmpty, "left: \(tree.left)")
  }
}
