import Testing

/// What every kind of pool must do, asked of each; the scenarios check themselves.
@Suite("Every pool", .serialized)
struct PoolExamTests {
  private static let kinds = ["process", "thread", "task"]

  private func passes(_ scenario: String, _ kind: String) async throws {
    let result = try await ExampleProgram.run(scenario, of: "TypedPoolExamples", arguments: [kind])
    #expect(result.status == 0, "\(result.output)")
  }

  @Test("gives a function's value, of one argument, of several, or of none", arguments: kinds)
  func values(_ kind: String) async throws { try await passes("values", kind) }

  @Test("maps in order, whatever the size of the chunks", arguments: kinds)
  func map(_ kind: String) async throws { try await passes("map", kind) }

  @Test("gives large values as they are, one after the other and several at a time", arguments: kinds)
  func largeValues(_ kind: String) async throws { try await passes("large_values", kind) }

  @Test("hands on what a function throws, and spoils nothing else", arguments: kinds)
  func errors(_ kind: String) async throws { try await passes("errors", kind) }

  @Test("gives a handle that tells whether the value is there", arguments: kinds)
  func handles(_ kind: String) async throws { try await passes("handles", kind) }

  @Test("calls back once, with the value or with the error", arguments: kinds)
  func callbacks(_ kind: String) async throws { try await passes("callbacks", kind) }

  @Test("stops a call that is cancelled, and never starts one that still waits", arguments: kinds)
  func cancel(_ kind: String) async throws { try await passes("cancel", kind) }

  @Test("cancels the call of a task that is cancelled", arguments: kinds)
  func cancelledTask(_ kind: String) async throws { try await passes("cancelled_task", kind) }

  @Test("ends a call over its time, and runs the next", arguments: kinds)
  func timeout(_ kind: String) async throws { try await passes("timeout", kind) }

  @Test("gives four short results without waiting for the long one", arguments: kinds)
  func asCompleted(_ kind: String) async throws { try await passes("as_completed", kind) }

  @Test("gives results in order as they become ready", arguments: kinds)
  func orderedResults(_ kind: String) async throws { try await passes("ordered_results", kind) }

  @Test("takes no more of an endless sequence than is read of its results", arguments: kinds)
  func endlessInputs(_ kind: String) async throws { try await passes("endless_inputs", kind) }

  @Test("of two runs five long tasks, two at a time", arguments: kinds)
  func twoWorkersFiveTasks(_ kind: String) async throws { try await passes("two_workers_five_tasks", kind) }

  @Test("of eight runs 500 tasks, most of which wait to be taken", arguments: kinds)
  func fiveHundredTasks(_ kind: String) async throws { try await passes("five_hundred_tasks", kind) }

  @Test("takes as many calls as it has room for, and lets the others wait in line", arguments: kinds)
  func room(_ kind: String) async throws { try await passes("room", kind) }

  @Test("refuses calls once it is closed, and is joined when all have ended", arguments: kinds)
  func close(_ kind: String) async throws { try await passes("close", kind) }

  @Test("ends every call when it is terminated", arguments: kinds)
  func terminate(_ kind: String) async throws { try await passes("terminate", kind) }

  @Test("ends a map when it is terminated, whatever the map is about", arguments: kinds)
  func terminateMap(_ kind: String) async throws { try await passes("terminate_map", kind) }

  @Test("serves synchronous code on a thread that may block", arguments: kinds)
  func blocking(_ kind: String) async throws { try await passes("blocking", kind) }

  // MARK: - asyncio's idioms

  @Test("is gathered from by a task group", arguments: kinds)
  func gather(_ kind: String) async throws { try await passes("gather", kind) }

  @Test("gives a task group each value as it completes", arguments: kinds)
  func groupAsCompleted(_ kind: String) async throws { try await passes("group_as_completed", kind) }

  @Test("is waited for by a task group with a time limit, and frees what was too slow", arguments: kinds)
  func waitFor(_ kind: String) async throws { try await passes("wait_for", kind) }

  @Test("blocks no thread of those who wait", arguments: kinds)
  func waitingBlocksNoThread(_ kind: String) async throws { try await passes("waiting_blocks_no_thread", kind) }
}
