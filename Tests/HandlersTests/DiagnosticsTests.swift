import HandlerAPI
import Testing

@testable import Handlers

@Suite struct DiagnosticsTests {
  @Test("names are distinct and well formed")
  func names() {
    let names = (StandardHandlers.all + DiagnosticHandlers.all).map { $0.name }
    #expect(Set(names).count == names.count)
    #expect(names.allSatisfy { $0.allSatisfy { $0.isLowercase || $0.isNumber || $0 == "_" } })
    #expect(
      names == [
        "count_primes", "sha256", "word_count", "mandelbrot", "matrix_multiply", "http_fetch", "sleep",
        "noop", "echo", "fail", "crash", "spin", "leak",
      ])
  }

  @Test(
    "echo keeps every byte of its arguments",
    arguments: [#"{"n": 9007199254740993, "x": 0.10000000000000000001, "s": "A\/é"}"#, "[1e2,  -0.0]", "null", "\"\""])
  func echoArguments(json: String) async throws {
    let bytes = Array(json.utf8)
    #expect(try await Echo().run(RawJSON(bytes), Recorder().context()).bytes == bytes)
  }

  @Test("every handler's input has a schema")
  func registers() throws { _ = try HandlerRegistry(StandardHandlers.all + DiagnosticHandlers.all) }

  @Test("fail throws its message")
  func fail() async {
    let error = await #expect(throws: HandlerError.self) {
      try await Fail().run(.init(message: "no luck"), Recorder().context())
    }
    #expect(error?.message == "no luck")
  }

  @Test("crash without a signal ends the process")
  func crash() async {
    await #expect(processExitsWith: .failure) { _ = try await Crash().run(.init(), Recorder().context()) }
  }

  @Test("crash raises the signal asked for, with its default action", arguments: ["SIGSEGV", "SIGKILL", "SIGTERM"])
  func signal(name: String) async throws {
    let result = try await #require(processExitsWith: .failure) { [name] in
      _ = try await Crash().run(.init(signal: name), Recorder().context())
    }
    #expect(result.exitStatus == .signal(["SIGSEGV": 11, "SIGKILL": 9, "SIGTERM": 15][name] ?? 0))
  }

  @Test("crash refuses what is no such signal", arguments: ["SIGSTOP", "sigsegv", "11", ""])
  func unknownSignal(name: String) {
    #expect(Crash.validate(.init(signal: name)).map(\.pointer) == ["/signal"])
  }

  @Test("spin takes the time asked for, and stops when cancelled")
  func spin() async throws {
    let start = ContinuousClock.now
    _ = try await Spin().run(.init(seconds: 0.02), Recorder().context())
    #expect(ContinuousClock.now - start >= .milliseconds(20))
    await #expect(throws: CancellationError.self) {
      try await Spin().run(.init(seconds: 60), Recorder(cancelAtLook: 3).context())
    }
  }

  @Test("leak takes eight megabytes a step until it is stopped")
  func leak() async {
    let recorder = Recorder(cancelAtLook: 4)
    await #expect(throws: CancellationError.self) { try await Leak().run(.init(), recorder.context()) }
    #expect(recorder.reports.map(\.completed) == [8, 16, 24].map { $0 << 20 })
  }

  @Test("a cancelled sleep ends at once")
  func cancelledSleep() async {
    let task = Task { try await Sleep().run(.init(seconds: 31_536_000), Recorder().context()) }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  @Test("sleep gives back its time")
  func sleep() async throws {
    let start = ContinuousClock.now
    #expect(try await Sleep().run(.init(seconds: 0.01), Recorder().context()).seconds == 0.01)
    #expect(ContinuousClock.now - start >= .milliseconds(10))
  }
}
