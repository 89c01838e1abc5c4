import Configuration
import Glibc

@testable import Commands

/// One run of the program in this process, with what it wrote.
struct Ran {
  var status: Int32
  var output: [UInt8]
  var errors: String
  /// What the server was asked, where there was one.
  var requests: [ScriptedServer.Request] = []

  var text: String { String(decoding: output, as: UTF8.self) }

  init(
    _ arguments: [String], environment: [String: String] = [:], handlerNames: Set<String> = ["sleep"],
    serve: CommandLineTool.Serve = { _, _ in -1 }
  ) {
    // Deleted by the system when they are closed.
    let (output, errors) = (tmpfile()!, tmpfile()!)
    defer {
      fclose(output)
      fclose(errors)
    }
    let streams = StandardStreams(environment: environment, output: fileno(output), errors: fileno(errors))
    let run = Run(environment: environment, handlerNames: handlerNames, streams: streams)
    status = run.status(of: arguments, serve: serve)
    self.output = Self.content(fileno(output))
    self.errors = String(decoding: Self.content(fileno(errors)), as: UTF8.self)
  }

  /// Runs a client command against a server that answers by `script`.
  init(_ arguments: [String], script: @escaping ScriptedServer.Script) throws {
    let server = try ScriptedServer(script)
    self.init(arguments, environment: ["MILLRACE_SERVER": server.url])
    server.stop()
    requests = server.requests
  }

  private static func content(_ descriptor: Int32) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: Int(lseek(descriptor, 0, SEEK_END)))
    let count = pread(descriptor, &bytes, bytes.count, 0)
    return Array(bytes.prefix(max(0, count)))
  }
}
