import Testing

@testable import Multiprocessing

/// What only a pool of processes can do; the scenarios check themselves.
@Suite("A pool of processes", .serialized)
struct ProcessPoolTests {
  private func passes(_ scenario: String) async throws {
    let result = try await ExampleProgram.run(scenario, of: "TypedPoolExamples")
    #expect(result.status == 0, "\(result.output)")
  }

  @Test("ends the call that crashed with signal and backtrace, and no other")
  func crash() async throws { try await passes("crash") }

  @Test("loses one result of many to a crash, and the whole of a map")
  func crashInMany() async throws { try await passes("crash_in_many") }

  @Test("heals when a worker is killed under its call")
  func killed() async throws { try await passes("killed") }

  @Test("kills a function that is deaf to its timeout, or to being cancelled")
  func deaf() async throws { try await passes("deaf") }

  @Test("ends a call over its memory, or over its CPU time, and counts no time asleep")
  func limits() async throws { try await passes("limits") }

  @Test("replaces a worker after as many calls as it may do")
  func maxJobs() async throws { try await passes("max_jobs") }

  @Test("uses all of its workers")
  func workers() async throws { try await passes("workers") }

  @Test("shares what the program preloaded")
  func preload() async throws { try await passes("preload") }

  @Test("says so if the program's preload fails again and again")
  func preloadFails() async throws { try await passes("preload_fails") }

  @Test("serves a synchronous program that awaits nothing")
  func script() async throws {
    let result = try await ExampleProgram.run("script", of: "TypedPoolExamples")
    #expect(result.status == 0)
    #expect(result.output == "25\n[1, 2, 3]\nthe pool is closed\n")
  }

  @Test("prints all that its functions print, up to the program's end")
  func printing() async throws {
    let result = try await ExampleProgram.run("printing", of: "TypedPoolExamples")
    #expect(result.status == 0)
    let lines = result.output.split(separator: "\n").map(String.init)
    #expect(Set(lines) == Set((0..<50).flatMap { ["joined \($0)", "used \($0)"] }))
    #expect(lines.count == 100)
  }

  @Test("gives each worker the shared counter by its initializer, and calls by their arguments")
  func sharedCounter() async throws { try await passes("shared_counter") }

  @Test("says so when its initializer threw, and tries again")
  func initializerFails() async throws { try await passes("initializer_fails") }

  @Test("refuses bad use with a clear error: unregistered, unencodable, in a worker, beside threads")
  func badUse() async throws { try await passes("bad_use") }

  @Test("takes and gives 64 MB")
  func large() async throws { try await passes("large") }

  @Test("maps a million integers")
  func million() async throws { try await passes("million") }

  @Test("leaves no process, joined, terminated or let go of")
  func nothingLeft() async throws { try await passes("nothing_left") }

  @Test("cannot be made in a program that has no launcher")
  func noLauncher() {
    do throws(CallError) {
      _ = try ProcessPool(size: 1)
      Issue.record("a pool was made")
    } catch {
      guard case .unavailable(let what) = error else {
        Issue.record("\(error)")
        return
      }
      #expect(what.contains("MultiprocessingProgram"))
    }
  }

  @Test("its launcher is refused where threads are")
  func threads() {
    #expect(throws: MultiprocessingError.self) { try Launcher.start([]) }
  }
}
