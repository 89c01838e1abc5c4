import Foundation
import Testing

@Suite("Files of the public folder", .serialized)
struct StaticFileTests {
  @Test("a file is served with its type and an ETag that answers 304; HEAD tells the same")
  func files() throws {
    try withPublicFolder { server in
      let page = try server.get("/")
      #expect(page.status == 200 && page["content-type"] == "text/html; charset=utf-8" && page.text == "<p>home</p>\n")
      #expect(page["x-content-type-options"] == "nosniff" && page["referrer-policy"] == "no-referrer")
      #expect(page["content-security-policy"]?.hasPrefix("default-src 'self'; ") == true)
      #expect(page["cross-origin-opener-policy"] == "same-origin")
      #expect(page["cross-origin-resource-policy"] == "same-origin")
      let tag = try #require(page["etag"])
      let again = try server.get("/", "If-None-Match: \(tag)")
      #expect(again.status == 304 && again.body.isEmpty && again["etag"] == tag)
      let head = try server.head("/")
      #expect(head.status == 200 && head["content-length"] == "12" && head["etag"] == tag)
      #expect(try server.get("/index.html").text == page.text)
      #expect(try server.get("/css/style.css")["content-type"]?.hasPrefix("text/css") == true)
      #expect(try server.get("/with%20blank.txt").text == "blank\n")
      let folder = try server.get("/sub")
      #expect(folder.status == 308 && folder["location"] == "/sub/")
      #expect(try server.get("/sub/").text == "sub\n")
    }
  }

  private static let notServed = [
    "/../secret.txt", "/%2e%2e/secret.txt", "/sub/../../secret.txt", "/sub/%2e%2e/%2e%2e/secret.txt", "/.hidden",
    "//secret.txt", "/%2ehidden", "/link.txt", "/linked/secret.txt", "/css", "/css/", "/index.html/", "/nothing",
    "/sub/nothing", "/..", "/sub/..%5c..%5csecret.txt", "/fifo", "/....//secret.txt", "/~root", "/sub/../index.html",
  ]

  @Test("nothing outside of the folder, and nothing hidden, can be reached")
  func traversal() throws {
    try withPublicFolder { server in
      for path in Self.notServed {
        let reply = try server.get(path)
        #expect(reply.status == 404 && reply.isProblem, "\(path): \(reply)")
      }
      // An escaped slash is no slash, and no part of a name either.
      let escaped = try server.get("/..%2fsecret.txt")
      #expect(escaped.status == 400 && escaped.isProblem)
    }
  }

  @Test("a file takes GET and HEAD only")
  func methods() throws {
    try withPublicFolder { server in
      for method in ["POST", "PUT", "DELETE"] {
        let reply = try server.client().exchange(method, "/index.html")
        #expect(reply.status == 405 && reply["allow"] == "GET, HEAD", "\(reply)")
      }
    }
  }

  private func withPublicFolder(_ body: (ServerProcess) throws -> Void) throws {
    let folder = try TestFolder()
    for name in ["public/css", "public/sub", "outside"] {
      try FileManager.default.createDirectory(atPath: folder.file(name), withIntermediateDirectories: true)
    }
    let files = [
      "public/index.html": "<p>home</p>\n", "public/css/style.css": "p {}\n", "public/with blank.txt": "blank\n",
      "public/sub/index.html": "sub\n", "public/.hidden": "secret", "secret.txt": "secret",
      "outside/secret.txt": "secret",
    ]
    for (name, text) in files { try folder.write(text, to: name) }
    symlink("../secret.txt", folder.file("public/link.txt"))
    symlink("../outside", folder.file("public/linked"))
    mkfifo(folder.file("public/fifo"), 0o600)
    try withServer(["--public", folder.file("public"), "--acceptors", "1", "--workers", "1"], in: folder, body)
    try folder.remove()
  }
}
