import Foundation
import Glibc
import Testing

@Suite("Starting a server", .serialized)
struct StartTests {
  /// Runs `millrace serve`, which must give up by itself with one line.
  private func refused(_ arguments: [String], status: Int32, saying part: String) throws {
    let ended = try Program.run(Program.millrace, ["serve"] + arguments, within: .seconds(30))
    #expect(ended.status == status, "\(ended)")
    #expect(ended.errorLines.count == 1 && ended.errors.contains(part), "\(ended)")
    #expect(ended.output.isEmpty)
  }

  @Test("an address that is taken is status 69")
  func addressInUse() throws {
    try withServer { server in
      let folder = try TestFolder()
      let address = "127.0.0.1:\(server.port)"
      try refused(["--listen", address, "--store", folder.file("s.sqlite")], status: 69, saying: address)
      // An address that no machine has (RFC 5737).
      let foreign = ["--listen", "192.0.2.1:0", "--insecure", "--store", folder.file("s.sqlite")]
      try refused(foreign, status: 69, saying: "192.0.2.1")
      try folder.remove()
    }
  }

  @Test(
    "a bad option is status 64",
    arguments: [
      ["--workers", "many"], ["--acceptors", "0"], ["--max-body", "1Gb"], ["--drain-timeout", "30"], ["--nonsense"],
      ["--log-level", "loud"], ["--listen", "here"], ["--memory-limit", "1KiB"], ["extra"], ["--store"],
    ])
  func badOption(_ arguments: [String]) throws {
    let ended = try Program.run(Program.millrace, ["serve", "--listen", "127.0.0.1:0"] + arguments)
    #expect(ended.status == 64 && ended.output.isEmpty && !ended.errors.isEmpty, "\(ended)")
    #expect(ended.errors.contains(arguments.last ?? ""))
  }

  @Test("a configuration file that is not there is status 66, and one with a mistake 78 with file and line")
  func configurationFiles() throws {
    let folder = try TestFolder()
    let missing = folder.file("missing.yaml")
    try refused(["--config", missing], status: 66, saying: missing)
    let unknown = try folder.write("workers: 1\n\nwrkers: 2\n", to: "unknown.yaml")
    try refused(["--config", unknown], status: 78, saying: "\(unknown):3: wrkers")
    let bad = try folder.write("workers: some\n", to: "bad.yaml")
    try refused(["--config", bad], status: 78, saying: "\(bad):1: workers")
    let handler = try folder.write("handlers:\n  nobody: { timeout: 1s }\n", to: "handler.yaml")
    try refused(["--config", handler], status: 78, saying: "\(handler):2: handlers.nobody")
    try refused(["--public", folder.file("missing")], status: 66, saying: folder.file("missing"))
    let ended = try Program.run(Program.millrace, ["serve"], environment: ["MILLRACE_WORKERS": "x"])
    #expect(ended.status == 78 && ended.errorLines.count == 1 && ended.errors.contains("MILLRACE_WORKERS"), "\(ended)")
    try folder.remove()
  }

  @Test("a store that another server has is status 73, and the message says so in plain words")
  func storeInUse() throws {
    try withServer { server in
      let store = server.folder.file("jobs.sqlite")
      let ended = try Program.run(
        Program.millrace, ["serve", "--listen", "127.0.0.1:0", "--store", store], within: .seconds(30))
      #expect(ended.status == 73, "\(ended)")
      #expect(
        ended.errors == "millrace: the store cannot be opened: \(store): another server uses it\n", "\(ended)")
    }
  }

  @Test("a store that cannot be opened is status 73")
  func stores() throws {
    let folder = try TestFolder()
    let missing = folder.file("nowhere/jobs.sqlite")
    try refused(["--listen", "127.0.0.1:0", "--store", missing], status: 73, saying: "nowhere")
    let garbage = try folder.write(String(repeating: "this is no database\n", count: 500), to: "garbage.sqlite")
    try refused(["--listen", "127.0.0.1:0", "--store", garbage], status: 73, saying: "garbage.sqlite")
    #expect(try String(contentsOfFile: garbage, encoding: .utf8).hasPrefix("this is no database"))
    try refused(["--listen", "127.0.0.1:0", "--store", folder.path], status: 73, saying: folder.path)
    try folder.remove()
  }

  @Test("an address that others reach asks for tokens unless --insecure, and warns where there is no TLS")
  func exposed() throws {
    let folder = try TestFolder()
    let socket = "unix:\(folder.file("socket"))"
    try withServer(["--listen", "0.0.0.0:0"], in: folder, listen: socket) { server throws in
      #expect(server.log.contains("there is no TLS") && server.log.contains("there is no token yet"))
      let port = try server.tcpPort()
      #expect(try HTTPClient(.port(port)).exchange("GET", "/v1").status == 401)
      #expect(try HTTPClient(.port(port)).exchange("GET", "/livez").status == 200)
    }
    try withServer(["--insecure"], in: folder, listen: "0.0.0.0:0") { server throws in
      #expect(try server.get("/v1").status == 200)
      #expect(server.log.contains("no tokens are asked for"))
    }
    try folder.remove()
  }

  @Test("an IPv6 address is listened on")
  func ipv6() throws {
    try withServer(listen: "[::1]:0") { server throws in
      #expect(try server.get("/livez").text == "alive\n")
      #expect(try server.end(of: server.submit("noop"))["state"] == "succeeded")
    }
  }

  @Test("a Unix socket is listened on; its file goes with the server, and a dead server's is taken over")
  func unixSocket() throws {
    let folder = try TestFolder()
    let path = folder.file("socket")
    let listen = "unix:\(path)"
    let first = try ServerProcess([], in: folder, listen: listen)
    #expect(try first.end(of: first.submit("noop"))["state"] == "succeeded")
    try refused(["--listen", listen, "--store", folder.file("other.sqlite")], status: 69, saying: path)
    first.killEverything()
    try first.ended()
    try first.checkThatNoProcessIsLeft()
    #expect(FileManager.default.fileExists(atPath: path))
    try withServer(in: folder, listen: listen) { server throws in
      #expect(try server.get("/livez").status == 200)
      var status = stat()
      #expect(lstat(path, &status) == 0 && status.st_mode & 0o777 == 0o660)
    }
    #expect(!FileManager.default.fileExists(atPath: path))
    try folder.remove()
  }

  @Test("several addresses are listened on at once")
  func several() throws {
    let folder = try TestFolder()
    let path = folder.file("socket")
    try withServer(["--listen", "unix:\(path)"], in: folder) { server throws in
      #expect(try server.get("/livez").status == 200)
      #expect(try HTTPClient(.unix(path)).exchange("GET", "/livez").status == 200)
    }
    try folder.remove()
  }

  @Test("a line longer than the limit is refused with 503 until there is room")
  func fullQueue() throws {
    try withServer(["--acceptors", "1", "--workers", "1", "--max-queued", "3"]) { server in
      let blocker = try server.runningSpin()
      var taken: [String] = []
      let refused = try eventually("the line is full", see: { try server.post("/v1/jobs", #"{"handler": "noop"}"#) }) {
        if $0.status == 202 { taken.append(try $0.json["id"].string ?? "") }
        return $0.status != 202
      }
      #expect(refused.status == 503 && refused.isProblem && refused["retry-after"] == "5")
      // What stands in line is counted once a second and estimated in between.
      #expect((3...4).contains(taken.count), "\(taken.count)")
      try server.cancel(blocker)
      for id in taken { try server.end(of: id) }
      try eventually("there is room again") { try server.post("/v1/jobs", #"{"handler": "noop"}"#).status == 202 }
    }
  }

  @Test("jobs that wait for their time are bounded too, and keep no other job out")
  func fullSchedule() throws {
    try withServer(["--acceptors", "1", "--workers", "1", "--max-queued", "3"]) { server in
      var taken: [String] = []
      let late = #"{"handler": "noop", "delay": "1h"}"#
      let refused = try eventually("no more are taken", see: { try server.post("/v1/jobs", late) }) {
        if $0.status == 202 { taken.append(try $0.json["id"].string ?? "") }
        return $0.status != 202
      }
      #expect(refused.status == 503 && refused.isProblem && refused["retry-after"] == "60")
      #expect((3...4).contains(taken.count), "\(taken.count)")
      #expect(try server.post("/v1/jobs?wait=30", #"{"handler": "noop"}"#).json["state"] == "succeeded")
      for id in taken { try server.cancel(id) }
      try eventually("there is room again") { try server.post("/v1/jobs", late).status == 202 }
    }
  }
}
