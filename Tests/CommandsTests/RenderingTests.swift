import Testing

@testable import Commands

@Suite("What commands show")
struct RenderingTests {
  private let plain = Palette(isOn: false)

  private func job(_ progress: JobView.Progress?, state: String = "running") -> JobView {
    JobView(id: "1", handler: "count_primes", state: state, done: false, progress: progress)
  }

  @Test("a table aligns its columns and leaves no space at the end of a line")
  func table() {
    var table = TextTable(columns: ["ID", "NAME", "NOTE"])
    table.append(["1", "mandelbrot", ""])
    table.append(["234", "é", "a\u{1b}[2Jb"])
    #expect(
      table.rendered() == """
        ID   NAME        NOTE
        1    mandelbrot
        234  é           a?[2Jb

        """)
  }

  @Test("a style may colour a cell without moving the next column")
  func styledTable() {
    var table = TextTable(columns: ["STATE", "X"])
    table.append(["failed", "1"])
    let rendered = table.rendered { column, cell in
      column == "STATE" ? Palette(isOn: true).colored(cell, state: cell) : cell
    }
    #expect(rendered == "STATE   X\n\u{1b}[31mfailed\u{1b}[0m  1\n")
  }

  @Test(
    "a progress line shows as much as fits",
    arguments: [
      (nil, 80, "count_primes  running  12s"),
      (.init(completed: 3), 80, "count_primes  running  3  12s"),
      (
        .init(completed: 5, total: 10, message: "sieving"), 80,
        "count_primes  running  [##########----------]   50%  5/10  sieving  12s"
      ),
      (
        .init(completed: 5, total: 10, message: "sieving"), 70,
        "count_primes  running  [########---------]   50%  5/10  sieving  12s"
      ),
      (.init(completed: 5, total: 10, message: "sieving"), 50, "count_primes  running  [######------]  12s"),
      (.init(completed: 5, total: 10), 30, "count_primes  running  12s"),
      (.init(completed: 5, total: 10), 20, "count_primes  runni"),
      (.init(completed: 999, total: 1000), 80, "count_primes  running  [###################-]   99%  999/1000  12s"),
      (.init(completed: 20, total: 10), 80, "count_primes  running  [####################]  100%  20/10  12s"),
      (.init(completed: -1, total: 10), 80, "count_primes  running  [--------------------]    0%  -1/10  12s"),
      (.init(completed: 1, total: 0, message: "a\nb"), 80, "count_primes  running  1  a?b  12s"),
    ] as [(JobView.Progress?, Int, String)])
  func progressLine(progress: JobView.Progress?, width: Int, line: String) {
    let bar = ProgressBar(width: width, palette: plain)
    #expect(bar.line(job(progress), elapsed: .milliseconds(12_900)) == line)
    #expect(line.count < width)
  }

  @Test("a coloured progress line says the same")
  func coloredProgress() {
    let line = ProgressBar(width: 80, palette: Palette(isOn: true)).line(job(nil), elapsed: .seconds(90))
    #expect(line == "count_primes  \u{1b}[36mrunning\u{1b}[0m  90s")
  }

  @Test("a job is shown as names and values, without what could disturb a terminal")
  func description() throws {
    let body = #"""
      {"id": "019a", "handler": "crash", "state": "failed", "done": true, "queue": "default", "priority": 0,
       "attempt": 2, "max_attempts": 3, "progress": {"completed": 1, "total": 4, "message": null}, "later": [1],
       "error": {"type": "crashed", "message": "gone\u001b[2J", "signal": "SIGSEGV", "attempt": 2},
       "created_at": "2026-01-01T00:00:00.000Z", "scheduled_at": null, "result_type": null}
      """#
    let job = try JobView.decoded(Array(body.utf8))
    #expect(
      GetCommand.description(of: job, plain) == """
        id        019a
        handler   crash
        state     failed
        queue     default
        priority  0
        attempt   2 of 3
        progress  1/4
        error     failed: crashed (SIGSEGV): gone?[2J
        created   2026-01-01T00:00:00.000Z

        """)
    #expect(job.exitStatus == .jobFailed)
  }

  @Test("the status of a job's end follows its state, and of a state not known here whether it is done")
  func exitStatus() {
    for (state, done, status) in [
      ("queued", false, .stillRunning), ("running", false, .stillRunning), ("succeeded", true, .success),
      ("failed", true, .jobFailed), ("cancelled", true, .jobCancelled), ("archived", true, .other),
      ("paused", false, .stillRunning),
    ] as [(String, Bool, Commands.ExitStatus)] {
      #expect(JobView(id: "1", handler: "h", state: state, done: done).exitStatus == status, "\(state)")
    }
    #expect(Commands.ExitStatus.gravest([.success, .stillRunning, .jobCancelled, .jobFailed]) == .jobFailed)
    #expect(Commands.ExitStatus.gravest([.jobFailed, .noSuchJob]) == .noSuchJob)
    #expect(Commands.ExitStatus.gravest([]) == .success)
  }

  @Test("a problem says what and where, whatever came with the status")
  func problem() {
    let body = #"{"title": "Bad", "detail": "not JSON", "line": 2, "column": 7}"#
    #expect(Problem(status: 400, body: Array(body.utf8)).message == "not JSON (line 2, column 7) (400)")
    let errors = #"{"title": "Invalid", "errors": [{"pointer": "/args/below", "detail": "must be at least 0"}]}"#
    #expect(
      Problem(status: 422, body: Array(errors.utf8)).message == "Invalid (422)\n  /args/below: must be at least 0")
    #expect(Problem(status: 502, body: Array("<html>".utf8)).message == "status 502 (502)")
  }

  @Test("NO_COLOR, a dumb terminal and a stream that is no terminal have no colours")
  func colors() {
    for environment in [["NO_COLOR": "1"], ["TERM": "dumb"], [:]] {
      let streams = StandardStreams(environment: environment, output: -1, errors: -1)
      #expect(!streams.outputPalette.isOn && !streams.errorPalette.isOn && !streams.drawsProgress)
    }
  }

  @Test(
    "servers are found by URL or by socket",
    arguments: [
      ("http://127.0.0.1:8080", "http://127.0.0.1:8080", nil, true), ("http://h/", "http://h", nil, false),
      ("https://h:1/base/", "https://h:1/base", nil, false),
      ("unix:/run/m.sock", "http://localhost", "/run/m.sock", true),
      ("http://[::1]:80/x", "http://[::1]:80/x", nil, true), ("http://localhost", "http://localhost", nil, true),
    ] as [(String, String, String?, Bool)])
  func addresses(text: String, base: String, socket: String?, isLocal: Bool) throws {
    let address = try #require(ServerAddress(text))
    #expect(address.baseURL == base)
    #expect(address.socketPath == socket)
    #expect(address.isLocal == isLocal)
  }

  @Test(
    "anything else is no server",
    arguments: [
      "", "h:80", "ftp://h", "http://", "http:///x", "http://:80", "http://u:p@h", "http://h?x", "http://h#x",
      "http://h /", "http://h\n", "unix:", "http://é",
    ])
  func notAddresses(text: String) {
    #expect(ServerAddress(text) == nil)
  }
}
