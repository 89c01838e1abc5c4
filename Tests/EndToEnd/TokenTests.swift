import Foundation
import Glibc
import Testing

@Suite("Tokens", .serialized)
struct TokenTests {
  /// A server that asks for tokens on TCP; its Unix socket is what the support code uses.
  private func withTokens(_ arguments: [String] = [], _ body: (ServerProcess, Asker) throws -> Void) throws {
    let folder = try TestFolder()
    let listen = "unix:\(folder.file("socket"))"
    let arguments = ["--require-tokens", "--listen", "127.0.0.1:0"] + arguments
    try withServer(arguments, in: folder, listen: listen) { server in
      try body(server, Asker(port: server.tcpPort(), store: folder.file("jobs.sqlite")))
    }
    try folder.remove()
  }

  private struct Asker {
    let port: UInt16
    let store: String

    func tokens(_ arguments: String...) throws -> Program.Ended {
      try Program.run(Program.millrace, ["tokens"] + arguments + ["--store", store])
    }

    func make(_ options: String...) throws -> String {
      let ended = try Program.run(Program.millrace, ["tokens", "create", "--store", store] + options)
      #expect(ended.status == 0 && ended.lines.count == 1, "\(ended)")
      return ended.lines.first ?? ""
    }

    func ask(_ method: String, _ target: String, _ token: String?, body: String? = nil) throws -> HTTPReply {
      try HTTPClient(.port(port)).exchange(
        method, target, headers: token.map { ["Authorization: Bearer \($0)"] } ?? [], body: body.map { Array($0.utf8) })
    }
  }

  @Test("without a token, or with a wrong one, all is 401 but the health checks and the pages")
  func unauthorized() throws {
    try withTokens { _, asker in
      let none = try asker.ask("GET", "/v1/jobs", nil)
      #expect(none.status == 401 && none.isProblem && none["www-authenticate"] == "Bearer realm=\"millrace\"")
      let wrong = try asker.ask("GET", "/v1/jobs", "mrt_wrong")
      #expect(wrong.status == 401 && wrong["www-authenticate"]?.contains("invalid_token") == true, "\(wrong)")
      for target in ["/v1", "/metrics", "/v1/processes", "/v1/handlers"] {
        #expect(try asker.ask("GET", target, nil).status == 401, "\(target)")
      }
      // Refused before its body is read.
      #expect(try asker.ask("POST", "/v1/jobs", nil, body: #"{"handler": "noop"}"#).status == 401)
      #expect(
        try HTTPClient(.port(asker.port)).exchange("GET", "/v1", headers: ["Authorization: Basic eA=="]).status == 401)
      for target in ["/livez", "/readyz"] { #expect(try asker.ask("GET", target, nil).status == 200) }
      #expect(try asker.ask("GET", "/", nil).status == 404)
    }
  }

  @Test("a token is good for its scopes at once, on every acceptor, until it is revoked")
  func scopes() throws {
    try withTokens { server, asker in
      let reader = try asker.make("--scope", "read", "--name", "the dashboard")
      let submitter = try asker.make("--scope", "submit")
      let manager = try asker.make("--scope", "operate", "--scope", "read")
      // A new connection each time, so that both acceptors are asked.
      for _ in 0..<8 { #expect(try asker.ask("GET", "/v1/jobs", reader).status == 200) }
      let job = #"{"handler": "spin"}"#
      let refused = try asker.ask("POST", "/v1/jobs", reader, body: job)
      #expect(refused.status == 403 && refused.isProblem)
      #expect(refused["www-authenticate"]?.contains("scope=\"submit\"") == true)
      let submitted = try asker.ask("POST", "/v1/jobs", submitter, body: job)
      #expect(submitted.status == 202)
      let location = try #require(submitted["location"])
      #expect(try asker.ask("GET", location, submitter).status == 403)
      #expect(try asker.ask("GET", location, reader).status == 200)
      #expect(try asker.ask("POST", location + "/cancel", submitter).status == 403)
      #expect([200, 202].contains(try asker.ask("POST", location + "/cancel", manager).status))

      let listed = try asker.tokens("list")
      let row = try #require(listed.lines.first { $0.contains("the dashboard") })
      #expect(!listed.text.contains("mrt_"))
      #expect(try asker.tokens("revoke", String(row.prefix(12))).status == 0)
      for _ in 0..<8 { #expect(try asker.ask("GET", "/v1/jobs", reader).status == 401) }
      #expect(try asker.ask("GET", "/v1/jobs", manager).status == 200)
      #expect(try asker.tokens("revoke", "000000000000").status == 1)
      #expect(!server.log.contains("mrt_"))
    }
  }

  @Test("the names of a reverse proxy are good Hosts where the configuration lists them; others stay 403")
  func hosts() throws {
    try withServer(["--hosts", "Jobs.Example", "--hosts", "other.example"]) { server throws in
      func status(_ host: String) throws -> Int {
        let client = try server.client()
        try client.send("GET /livez HTTP/1.1\r\nHost: \(host)\r\n\r\n")
        return try client.reply().status
      }
      for host in ["jobs.example", "JOBS.example:443", "other.example", "localhost"] {
        #expect(try status(host) == 200, "\(host)")
      }
      #expect(try status("third.example") == 403)
      let page = ["Origin: https://jobs.example", "Sec-Fetch-Site: same-origin"]
      #expect(try server.client().exchange("POST", "/v1/run/noop", headers: page, body: []).status == 200)
    }
  }

  @Test("nothing that a job gives can run in the dashboard's origin")
  func sandbox() throws {
    try withServer { server in
      let id = try server.submit("echo", #""<script>alert(1)</script>""#)
      try server.end(of: id)
      for target in ["/v1/jobs/\(id)/result", "/v1/jobs/\(id)/log"] {
        let reply = try server.get(target)
        #expect(reply["content-security-policy"]?.hasSuffix("; sandbox") == true)
        #expect(reply["x-content-type-options"] == "nosniff")
        #expect(reply["cross-origin-resource-policy"] == "same-origin")
      }
      for target in ["/v1/jobs/\(id)", "/v1", "/livez", "/metrics", "/v1/nothing", "/v1/handlers"] {
        #expect(try server.get(target)["x-content-type-options"] == "nosniff", "\(target)")
      }
    }
  }

  @Test("each token has Idempotency-Keys of its own")
  func idempotencyKeys() throws {
    try withTokens { _, asker in
      func post(_ token: String, _ body: String) throws -> HTTPReply {
        try HTTPClient(.port(asker.port)).exchange(
          "POST", "/v1/jobs", headers: ["Authorization: Bearer \(token)", "Idempotency-Key: one"], body: Array(body.utf8))
      }
      let (first, second) = (try asker.make("--scope", "submit"), try asker.make("--scope", "submit"))
      let (mine, others) = (try post(first, #"{"handler": "noop"}"#), try post(second, #"{"handler": "noop"}"#))
      #expect(mine.status == 202 && others.status == 202 && mine["location"] != others["location"])
      #expect(try post(first, #"{"handler": "noop"}"#).body == mine.body)
      #expect(try post(second, #"{"handler": "echo"}"#).status == 422)
    }
  }

  @Test("a token that was made for a while is refused afterwards")
  func expiry() throws {
    try withTokens { _, asker in
      let token = try asker.make("--scope", "read", "--expires", "4s")
      #expect(try asker.ask("GET", "/v1", token).status == 200)
      try eventually("it has expired") { try asker.ask("GET", "/v1", token).status == 401 }
    }
  }

  @Test("tokens outlive the server, and the client commands send theirs without showing it")
  func clients() throws {
    let folder = try TestFolder()
    let store = folder.file("jobs.sqlite")
    let asker = Asker(port: 0, store: store)
    // Before the first start: the store is made.
    let token = try asker.make("--scope", "read", "--scope", "submit")
    let file = try folder.write(token + "\n", to: "token")
    try withServer(["--require-tokens", "--listen", "127.0.0.1:0"], in: folder, listen: "unix:\(folder.file("s"))") {
      server in
      let url = "http://127.0.0.1:\(try server.tcpPort())"
      func list(_ options: [String], _ environment: [String: String] = [:]) throws -> Program.Ended {
        try Program.run(Program.millrace, ["list", "--server", url] + options, environment: environment)
      }
      #expect(try list([]).status == 7)
      #expect(try list(["--token", token]).status == 0)
      #expect(try list(["--token-file", file]).status == 0)
      #expect(try list([], ["MILLRACE_TOKEN": token]).status == 0)
      let bad = try list([], ["MILLRACE_TOKEN": "secret\ntext"])
      #expect(bad.status == 1 && !bad.errors.contains("secret"), "\(bad)")
      let submitted = try Program.run(
        Program.millrace, ["submit", "noop", "--wait", "--server", url, "--token-file", file])
      #expect(submitted.status == 0, "\(submitted)")
      #expect(!server.log.contains(token))
    }
    let missing = try Program.run(Program.millrace, ["tokens", "list", "--store", folder.file("none.sqlite")])
    #expect(missing.status == 1 && missing.errors.contains("there is no store"))
    try folder.remove()
  }
}
