import EventLoop
import Glibc
import Testing

@testable import HTTPServer

@Suite("Static files are those below the folder and no others")
struct StaticFilesTests {
  private let folder: String

  init() throws {
    var template = Array("/tmp/http-static-XXXXXX\0".utf8.map { CChar(bitPattern: $0) })
    folder = try #require(mkdtemp(&template).map { String(cString: $0) })
    mkdir("\(folder)/root", 0o700)
    mkdir("\(folder)/root/sub", 0o700)
    mkdir("\(folder)/root/bare", 0o700)
    for (name, text) in [
      ("secret", "secret"), ("root/index.html", "<p>"), ("root/a b.txt", "text"), ("root/.hidden", "no"),
      ("root/sub/app.js", "js"), ("root/sub/index.html", "sub"), ("root/unknown.xyz", "?"), ("root/empty.css", ""),
    ] { write(text, to: "\(folder)/\(name)") }
    symlink("../secret", "\(folder)/root/link")
    symlink("..", "\(folder)/root/up")
    mkfifo("\(folder)/root/pipe", 0o600)
  }

  private func write(_ text: String, to path: String) {
    let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    _ = Glibc.write(descriptor, text, text.utf8.count)
    close(descriptor)
  }

  private func removeFolder() {
    for name in [
      "secret", "root/index.html", "root/a b.txt", "root/.hidden", "root/sub/app.js", "root/sub/index.html",
      "root/unknown.xyz", "root/empty.css", "root/link", "root/up", "root/pipe",
    ] { unlink("\(folder)/\(name)") }
    for name in ["root/sub", "root/bare", "root", ""] { rmdir("\(folder)/\(name)") }
  }

  private func withFiles(_ body: (RawClient) throws -> Void) async throws {
    defer { removeFolder() }
    let root = folder + "/root"
    EpollLoop.startOnOwnThread()
    let files = try await LoopActor.run { try StaticFiles(root: root) }
    try await withServer { exchange in
      exchange.respond(files.response(for: exchange.head) ?? Problem(404).response)
    } _: { server in
      try body(try RawClient(server))
    }
  }

  @Test("files are sent with their media types, their tags and their lengths")
  func served() async throws {
    try await withFiles { client in
      let index = try client.get("/")
      #expect(index.text == "<p>" && index.fields["content-type"] == "text/html; charset=utf-8")
      #expect(index.fields["cache-control"] == "no-cache")
      #expect(try client.get("/a%20b.txt").text == "text")
      #expect(try client.get("/sub/app.js").fields["content-type"] == "text/javascript; charset=utf-8")
      #expect(try client.get("/unknown.xyz").fields["content-type"] == "application/octet-stream")
      #expect(try client.get("/empty.css").fields["content-length"] == "0")
      #expect(try client.get("/sub/").text == "sub")
      #expect(try client.get("/sub").fields["location"] == "/sub/")
      try client.send("HEAD /a%20b.txt HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try client.reply(toHead: true).fields["content-length"] == "4")
    }
  }

  @Test("an unchanged file is not sent again, a changed one is")
  func conditional() async throws {
    try await withFiles { client in
      let tag = try #require(try client.get("/a%20b.txt").fields["etag"])
      #expect(!tag.hasPrefix("W/"))
      let unchanged = try client.get("/a%20b.txt", "If-None-Match: \"x\", W/\(tag)\r\n")
      #expect(unchanged.status == 304 && unchanged.fields["etag"] == tag)
      #expect(try client.get("/a%20b.txt", "If-None-Match: *\r\n").status == 304)
      #expect(try client.get("/a%20b.txt", "If-None-Match: \"x\"\r\n").status == 200)
      write("other", to: "\(folder)/root/a b.txt")
      let changed = try client.get("/a%20b.txt", "If-None-Match: \(tag)\r\n")
      #expect(changed.status == 200 && changed.text == "other")
    }
  }

  @Test("nothing outside, hidden, linked or special is reached")
  func traversal() async throws {
    try await withFiles { client in
      for path in [
        "/../secret", "/%2e%2e/secret", "/sub/../../secret", "/..%2fsecret", "//etc/passwd", "/.hidden", "/link",
        "/up/secret",
        "/sub/../index.html", "/./index.html", "/pipe", "/bare/", "/bare", "/index.html/", "/index.html/x", "/nothing",
        "/sub//app.js", "/\(String(repeating: "a/", count: 20))x", "/%5c..%5csecret", "/a%20b.txt%00",
      ] {
        let reply = try client.get(path)
        #expect(reply.status == 404 || reply.status == 400, "\(path) gave \(reply.status)")
        #expect(!reply.text.contains("secret"))
      }
      try client.send("POST / HTTP/1.1\r\nHost: a\r\n\r\n")
      #expect(try client.reply().status == 404)
    }
  }
}
