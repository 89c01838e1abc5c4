import Glibc
import HandlerAPI

/// A web server that misbehaves on request, on a free port of 127.0.0.1. One serves all tests, and ends with their process.
final class WebServer: Sendable {
  static let shared = Result { try WebServer() }

  let port: Int
  /// Never closed by us: the server ends when this process does, however it does.
  private let lifeline: Int32

  private init() throws {
    let server = try Spawned(["python3", "-c", Self.program])
    lifeline = server.descriptor
    guard let port = Int(server.read(untilLine: true).prefix { $0.isNumber }) else {
      close(lifeline)
      waitpid(server.pid, nil, 0)
      throw HandlerError("the web server named no port")
    }
    self.port = port
  }

  func url(_ path: String) -> String { "http://127.0.0.1:\(port)\(path)" }

  private static let program = #"""
    import gzip, http.server, os, sys, threading
    def follow_the_runner():
        sys.stdin.read()
        os._exit(0)
    threading.Thread(target=follow_the_runner, daemon=True).start()
    never = threading.Event()
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def log_message(self, *_): pass
        def reply(self, status, body=b"", *headers):
            self.send_response(status)
            for name, value in headers: self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD": self.wfile.write(body)
        def do_HEAD(self): self.do_GET()
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.path == "/to": self.reply(307, b"gone on", ("Location", "/echo"))
            else: self.reply(201, str(self.headers).encode() + body)
        def do_GET(self):
            path, _, query = self.path.partition("?")
            if path == "/hello": self.reply(200, "grüß dich".encode(), ("X-Two", "a"), ("x-two", "b"))
            elif path == "/missing": self.reply(404, b"nothing here")
            elif path == "/binary": self.reply(200, b"\xff\xfe\x00")
            elif path == "/headers": self.reply(200, str(self.headers).encode())
            elif path == "/to": self.reply(302, b"gone on", ("Location", query))
            elif path == "/count":
                n = int(query)
                if n == 0: self.reply(200, b"arrived")
                else: self.reply(302, b"", ("Location", "/count?%d" % (n - 1)))
            elif path == "/bomb": self.reply(200, gzip.compress(bytes(10_000_000)), ("Content-Encoding", "gzip"))
            elif path == "/gzip": self.reply(200, gzip.compress(b"unpacked"), ("Content-Encoding", "gzip"))
            elif path == "/large": self.reply(200, b"x" * int(query))
            elif path == "/never": never.wait()
            elif path == "/endless":
                self.send_response(200)
                self.end_headers()
                try:
                    while True: self.wfile.write(b"x" * 65536)
                except OSError: self.close_connection = True
    class Server(http.server.ThreadingHTTPServer):
        request_queue_size = 512
        daemon_threads = True
    server = Server(("127.0.0.1", 0), Handler)
    print(server.server_address[1], flush=True)
    server.serve_forever()
    """#
}
