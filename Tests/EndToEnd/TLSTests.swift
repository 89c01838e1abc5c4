import Foundation
import Glibc
import Testing

@Suite("HTTPS", .serialized)
struct TLSTests {
  /// A server that speaks TLS on TCP, and plainly on a Unix socket.
  private func withTLS(_ arguments: [String] = [], _ body: (ServerProcess, Curl, TestFolder) throws -> Void) throws {
    let folder = try TestFolder()
    let certificate = try Certificate(in: folder)
    let listen = "unix:\(folder.file("socket"))"
    try withServer(["--listen", "127.0.0.1:0"] + certificate.flags + arguments, in: folder, listen: listen) { server in
      try body(server, Curl(certificate: certificate, port: server.tcpPort()), folder)
    }
    try folder.remove()
  }

  @Test("jobs, large bodies both ways, files and streams go over TLS; a Unix socket stays plain")
  func traffic() throws {
    try withTLS { server, curl, folder in
      #expect(try server.get("/livez").text == "alive\n")
      let done = try curl.run("/v1/jobs?wait=20", ["-d", #"{"handler": "echo", "args": {"a": 1}}"#])
      #expect(done.status == 0 && done.text.contains(#""state":"succeeded""#), "\(done)")
      let large = try folder.write(String(repeating: "abc def\n", count: 500_000), to: "large")
      for framing in ["Expect: 100-continue", "Transfer-Encoding: chunked"] {
        let counted = try curl.run("/v1/run/word_count", ["-H", framing, "--data-binary", "@\(large)"])
        #expect(counted.text == #"{"bytes":4000000,"lines":500000,"words":1000000}"#, "\(counted)")
      }
      let picture = try curl.run(
        "/v1/run/mandelbrot?args.width=1200&args.height=900", ["-X", "POST", "-o", folder.file("m.png")])
      #expect(picture.status == 0, "\(picture)")
      let bytes = try Data(contentsOf: URL(fileURLWithPath: folder.file("m.png")))
      #expect(bytes.count > 100_000 && bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]))
      // Two requests on one connection, the second of which only libmicrohttpd has read.
      let twice = try curl.run("/livez", ["https://localhost:\(curl.port)/%zz"])
      #expect(twice.text.hasPrefix("{\"type\"") || twice.text.contains("400"), "\(twice)")
    }
  }

  @Test("a client that waits is answered when the job ends, and one that leaves harms nobody")
  func waiting() throws {
    try withTLS { server, curl, _ in
      let id = try server.submit("sleep", #"{"seconds": 1}"#)
      let waited = try curl.run("/v1/jobs/\(id)?wait=20")
      #expect(waited.text.contains(#""state":"succeeded""#), "\(waited)")
      let other = try server.submit("spin")
      let left = try curl.run("/v1/jobs/\(other)?wait=20", ["--max-time", "1"])
      #expect(left.status == 28, "\(left)")
      try eventually("the connection of the client that left is gone") {
        try server.get("/v1/processes").json["acceptors"].items.reduce(0) { $0 + ($1["connections"].int ?? 0) } <= 1
      }
      #expect(try server.post("/v1/jobs/\(other)/cancel").status == 202)
    }
  }

  @Test("events stream over TLS as they happen, to the end of the job")
  func events() throws {
    try withTLS { server, curl, _ in
      let id = try server.submit("sleep", #"{"seconds": 1}"#)
      let heard = try curl.run("/v1/jobs/\(id)/events", ["-N"])
      #expect(heard.status == 0 && heard.text.contains("event: state"), "\(heard)")
      #expect(heard.text.contains(#""state":"succeeded""#), "\(heard)")
    }
  }

  @Test("plain HTTP on its port is answered 400, and TLS before 1.2 is refused")
  func otherProtocols() throws {
    try withTLS { _, curl, _ in
      let plain = try HTTPClient(.port(curl.port)).exchange("GET", "/livez")
      #expect(plain.status == 400 && plain.isProblem && plain.text.contains("HTTPS"), "\(plain)")
      #expect(try curl.run("/livez", ["--tls-max", "1.1"]).status == 35)
      for version in ["1.2", "1.3"] { #expect(try curl.run("/livez", ["--tlsv\(version)"]).text == "alive\n") }
      let silent = try HTTPClient(.port(curl.port))
      // A handshake that breaks off after its first bytes.
      try silent.send([22, 3, 1, 2, 0, 1, 0])
      silent.finishSending()
      #expect(try silent.toEnd().count < 64)
    }
  }

  @Test("HUP takes a new pair; a bad one leaves the old one at work and says so")
  func reload() throws {
    try withTLS { server, curl, folder in
      let other = try Certificate(in: folder, "other")
      func replace(_ path: String, with new: String) throws {
        try Data(contentsOf: URL(fileURLWithPath: new)).write(to: URL(fileURLWithPath: path))
      }
      try replace(curl.certificate.path, with: other.path)
      server.signal(SIGHUP)
      try eventually("the mismatch is reported") { server.log.contains("do not belong together") }
      // Trust is in the file that was replaced; the server still has the one before.
      #expect(try curl.run("/livez", ["-k"]).text == "alive\n")
      #expect(try curl.run("/livez").status == 60)
      try replace(curl.certificate.keyPath, with: other.keyPath)
      server.signal(SIGHUP)
      try eventually("the new certificate is in use") { try curl.run("/livez").text == "alive\n" }
    }
  }

  @Test("a pair that cannot be used ends the start with status 78, a missing file with 66")
  func badFiles() throws {
    let folder = try TestFolder()
    let (one, other) = (try Certificate(in: folder, "one"), try Certificate(in: folder, "other"))
    func start(_ certificate: String, _ key: String) throws -> Program.Ended {
      try Program.run(
        Program.millrace,
        [
          "serve", "--listen", "127.0.0.1:0", "--store", folder.file("s.sqlite"), "--tls-certificate", certificate,
          "--tls-key", key,
        ], within: .seconds(30))
    }
    let mismatch = try start(one.path, other.keyPath)
    #expect(mismatch.status == 78 && mismatch.errorLines.count == 1, "\(mismatch)")
    #expect(mismatch.errors.contains("do not belong together"))
    let text = try folder.write("no certificate", to: "text.pem")
    let bad = try start(text, one.keyPath)
    #expect(bad.status == 78 && bad.errorLines.count == 1 && bad.errors.contains(text), "\(bad)")
    let missing = try start(folder.file("nothing.pem"), one.keyPath)
    #expect(missing.status == 66 && missing.errors.contains("nothing.pem"), "\(missing)")
    try folder.remove()
  }

  @Test("a key that everybody can read is warned of")
  func openKey() throws {
    let folder = try TestFolder()
    let certificate = try Certificate(in: folder)
    chmod(certificate.keyPath, 0o644)
    let listen = "unix:\(folder.file("socket"))"
    try withServer(["--listen", "127.0.0.1:0"] + certificate.flags, in: folder, listen: listen) { server throws in
      #expect(server.log.contains("warning every user of this machine can read the TLS key"))
    }
    try folder.remove()
  }
}
