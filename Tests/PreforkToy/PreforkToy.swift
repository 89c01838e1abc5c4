// A prefork server that serves nothing, for the tests: it says on standard output what happens in each process, one
// line a thing, `what key=value …`, and behaves, or misbehaves, as its arguments (`key=value`) say.

import CLinux
import Glibc
import Prefork

@main
enum PreforkToy {
  static func main() {
    let options = Options(CommandLine.arguments.dropFirst())
    if let task = options["child"] { runTask(task, options) }
    do {
      let listeners = try ListenSocket.listen(on: options.address)
      for listener in listeners { say("listening", ["address": "\(listener.address)"]) }
      // Not marked close-on-exec, and nobody is told to keep it: acceptors must not have it.
      let secret = dup(1)
      if options["thread"] != nil { startThread() }
      if options["sidecar"] != nil { startSidecar() }
      var plan = MasterPlan(
        listeners: listeners, acceptors: Int(options["acceptors"] ?? "") ?? 2,
        first: generation(options["life"] ?? "obey", options.duration("drain", .seconds(30)), secret), log: log,
        reload: { try nextGeneration(options, secret) })
      plan.readyLimit = options.duration("ready", .seconds(30))
      plan.heartbeatLimit = options.duration("heartbeat", .seconds(30))
      let master = try Master(plan: plan)
      let code = master.run()
      say("stopped", ["code": "\(code)", "children": "\(waitpid(-1, nil, WNOHANG))"])
      exit(code)
    } catch {
      say("error", ["reason": "\(error)"])
      exit(error is ListenError ? 69 : 1)
    }
  }

  static func say(_ what: String, _ values: [String: String] = [:]) {
    let pairs = values.sorted { $0.key < $1.key }.map { " \($0.key)=\($0.value.replacing(" ", with: "_"))" }
    // One write, so that the lines of several processes do not mix: the output is a pipe or a socket, and a line is
    // short.
    let line = Array("\(what)\(pairs.joined())\n".utf8)
    _ = write(1, line, line.count)
  }

  private static func log(_ level: LogLevel, _ message: String, _ metadata: [String: String]) {
    say("log", metadata.merging(["level": level.rawValue, "message": message]) { $1 })
  }

  /// - Parameter limit: from `SIGTERM` to `SIGKILL`.
  private static func generation(_ life: String, _ limit: Duration, _ secret: Int32) -> AcceptorGeneration {
    AcceptorGeneration(drainTimeout: limit - MasterPlan.drainMargin) { seat in
      Life(seat: seat, name: life, secret: secret).run()
    }
  }

  private struct ReloadRefused: Error, CustomStringConvertible { let description = "the file is bad" }

  private static func nextGeneration(_ options: Options, _ secret: Int32) throws -> AcceptorGeneration {
    var life = "obey"
    switch options["next"] ?? "fail" {
    case "fail": throw ReloadRefused()
    case "thread": startThread()
    case "task":
      // Ends by the signal only if its mask is not the master's.
      let end = try runInChild(name: "toy-task", limit: .seconds(30)) { raise(SIGTERM) }
      say("ended", ["end": "\(end)"])
    case let next: life = next
    }
    return generation(life, options.duration("nextdrain", .seconds(30)), secret)
  }

  private static func startThread() {
    var thread = pthread_t()
    pthread_create(&thread, nil, { _ in while true { pause() } }, nil)
  }

  /// A child that is none of the master's business.
  private static func startSidecar() {
    if fork() == 0 {
      say("sidecar", ["pid": "\(getpid())"])
      while true { pause() }
    }
  }

  private static func runTask(_ task: String, _ options: Options) -> Never {
    do {
      let end = try runInChild(name: "toy-task", limit: options.duration("limit", .seconds(30))) {
        say("task", ["pid": "\(getpid())", "parent": "\(getppid())"])
        switch task {
        case "seven": return 7
        case "hang": while true { pause() }
        default: abort()
        }
      }
      say("ended", ["end": "\(end)"])
      exit(0)
    } catch {
      say("error", ["reason": "\(error)"])
      exit(1)
    }
  }
}

private struct Options {
  private var values: [String: String] = [:]

  init(_ arguments: some Sequence<String>) {
    for argument in arguments {
      let parts = argument.split(separator: "=", maxSplits: 1)
      if parts.count == 2 { values[String(parts[0])] = String(parts[1]) }
    }
  }

  subscript(name: String) -> String? { values[name] }

  /// In milliseconds.
  func duration(_ name: String, _ absent: Duration) -> Duration {
    values[name].flatMap { Int64($0) }.map { .milliseconds($0) } ?? absent
  }

  var address: ListenAddress {
    if let path = values["unix"] { return .unix(path: path) }
    return .tcp(host: values["host"] ?? "127.0.0.1", port: UInt16(values["port"] ?? "") ?? 0)
  }
}
