import Testing

/// Each scenario is a process tree of its own, checks itself, and looks for what it may have left behind.
@Suite("Between processes", .serialized)
struct SharedExamplesTests {
  private func passes(_ scenario: String) async throws -> String {
    let result = try await ExampleProgram.run(scenario, of: "SharedExamples")
    #expect(result.status == 0, "\(result.output)")
    return result.output
  }

  // MARK: - Shared memory

  @Test("two processes incrementing one counter a million times each give two million")
  func counter() async throws { _ = try await passes("counter") }

  @Test("a lock that is passed by itself guards what its holders agree on")
  func counterWithLock() async throws { _ = try await passes("counter_with_a_lock_of_its_own") }

  @Test("an array filled by another process is there, and an index outside it stops only who used it")
  func array() async throws { _ = try await passes("array") }

  @Test("a lock whose holder is killed goes to the next, who is told once")
  func lockHolderKilled() async throws { _ = try await passes("lock_holder_killed") }

  @Test("processes killed at any moment of taking and giving back leave a lock that works")
  func lockUsersKilled() async throws { _ = try await passes("lock_users_killed") }

  // MARK: - Child processes

  @Test("a child process gets its arguments and its name")
  func childArguments() async throws { _ = try await passes("child_arguments") }

  @Test("how a child process ended is told as data: status, error, exit, trap")
  func childEnds() async throws { _ = try await passes("child_ends") }

  @Test("a child process in an endless loop is terminated")
  func endlessLoop() async throws { _ = try await passes("endless_loop") }

  @Test("twenty child processes run at once and leave no zombie")
  func childrenAtOnce() async throws { _ = try await passes("children_at_once") }

  @Test("many tasks join one child process, and one that is cancelled stops waiting")
  func childJoinedByTasks() async throws { _ = try await passes("child_joined_by_tasks") }

  @Test("a child process holds no descriptor but what it was given")
  func childSurroundings() async throws { _ = try await passes("child_surroundings") }

  @Test("what a child process prints is in the program's output, in order")
  func childOutput() async throws {
    let output = try await passes("child_output")
    #expect(output == "before\nfrom the child\nand an unfinished line\nafter\n")
  }

  @Test("what a child process started ends with it, also in a session of its own")
  func childLeavesOthers() async throws { _ = try await passes("child_leaves_others") }

  @Test("an unregistered function, a value that cannot be encoded, a child of a child, and a late start are refused")
  func childMisuse() async throws { _ = try await passes("child_misuse") }

  @Test("when a program is killed, its child processes and a dictionary's owner end")
  func orphans() async throws {
    let (below, left) = try await ExampleProgram.killTreeRoot(of: "SharedExamples", within: .seconds(5))
    #expect(below.count == 3)
    #expect(left.isEmpty)
  }

  // MARK: - Pipes

  @Test("a pipe carries questions and answers, blocking and not")
  func pipeRoundTrip() async throws { _ = try await passes("pipe_round_trip") }

  @Test("fifty tasks wait on a pipe without blocking the cooperative pool")
  func pipeTasks() async throws { _ = try await passes("pipe_tasks") }

  @Test("64 MB go through a pipe and back")
  func pipeLargeValues() async throws { _ = try await passes("pipe_64_megabytes") }

  @Test("when a writer is killed, what it had sent comes whole, and then the end")
  func pipeWriterKilled() async throws { _ = try await passes("pipe_writer_killed") }

  @Test("when the reader is killed, sending says so; values with open files go through a pipe")
  func pipeReaderKilled() async throws { _ = try await passes("pipe_reader_killed") }

  // MARK: - Queues

  @Test("three producers and three consumers share a queue that never holds more than it may")
  func queue() async throws { _ = try await passes("queue") }

  @Test("64 MB go through a queue and back, as do sizes around the limit of a place")
  func queueLargeValues() async throws { _ = try await passes("queue_64_megabytes") }

  @Test("values with open files go through a queue, more of them than the kernel holds at once")
  func queueOfSharedThings() async throws { _ = try await passes("queue_of_shared_things") }

  @Test("killing producers and consumers at random moments wedges nothing, doubles nothing, damages nothing")
  func queueUsersKilled() async throws { _ = try await passes("queue_users_killed") }

  // MARK: - Dictionaries

  @Test("five processes update one entry of a dictionary, and no change is lost")
  func dictionary() async throws { _ = try await passes("dictionary") }

  @Test("killing users of a dictionary harms no other")
  func dictionaryUserKilled() async throws { _ = try await passes("dictionary_user_killed") }

  @Test("64 MB are kept in a dictionary and handed on")
  func dictionaryLargeValues() async throws { _ = try await passes("dictionary_large_values") }

  @Test("a dictionary holds shared values")
  func dictionaryOfSharedThings() async throws { _ = try await passes("dictionary_of_shared_things") }

  @Test("when a dictionary's owner is killed, its users are told")
  func dictionaryOwnerKilled() async throws { _ = try await passes("dictionary_owner_killed") }
}
