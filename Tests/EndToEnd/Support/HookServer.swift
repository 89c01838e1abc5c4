import Foundation
import Glibc

/// A receiver of callbacks, on a free port of 127.0.0.1: `/ok` answers 204, `/gone` 410, `/redirect` 302, `/flaky` 500 the
/// first time a message comes and 200 from then on, `/hang` never. A GET is answered with its own header fields, as JSON.
final class HookServer {
  /// One request, as it came.
  struct Delivery {
    let path: String
    let id: String
    let timestamp: Int
    let signature: String?
    /// What the signature should be, for the secret that the server was started with.
    let expected: String
    let body: String
    let traceParent: String?
    let traceState: String?

    var json: JSON { get throws { try JSON.parse(Array(body.utf8)) } }
  }

  static let secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

  let port: Int
  private let pid: pid_t
  private let output: String

  init(in folder: TestFolder) throws {
    let script = try folder.write(Self.program, to: "hooks-\(UUID().uuidString).py")
    let path = folder.file("hooks-\(UUID().uuidString)")
    output = path
    pid = try Program.spawn("/usr/bin/env", ["python3", script, Self.secret], output: path, errors: path + ".errors")
    let first = try eventually("the receiver of callbacks listens") {
      Self.lines(path).first.flatMap { Int($0) }
    } until: {
      $0 != nil
    }
    port = first ?? 0
  }

  deinit { stop() }

  func stop() {
    kill(-pid, SIGKILL)
    waitpid(pid, nil, 0)
  }

  func url(_ path: String, host: String = "127.0.0.1") -> String { "http://\(host):\(port)\(path)" }

  /// What came so far.
  var deliveries: [Delivery] {
    get throws {
      try Self.lines(output).dropFirst().map { line in
        let json = try JSON.parse(Array(line.utf8))
        return Delivery(
          path: json["path"].string ?? "", id: json["id"].string ?? "",
          timestamp: Int(json["timestamp"].string ?? "") ?? 0, signature: json["signature"].string,
          expected: json["expected"].string ?? "", body: json["body"].string ?? "",
          traceParent: json["traceparent"].string, traceState: json["tracestate"].string)
      }
    }
  }

  private static func lines(_ path: String) -> [Substring] {
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    // A last line without its end is still being written.
    return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
  }

  private static let program = #"""
    import base64, hashlib, hmac, http.server, json, sys, threading
    secret = base64.b64decode(sys.argv[1][6:])
    lock, seen, never = threading.Lock(), set(), threading.Event()
    class Handler(http.server.BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        def log_message(self, *_): pass
        def do_GET(self):
            body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            one, stamp = self.headers["webhook-id"], self.headers["webhook-timestamp"]
            digest = hmac.new(secret, f"{one}.{stamp}.".encode() + body, hashlib.sha256).digest()
            with lock:
                new = one not in seen
                seen.add(one)
                print(json.dumps({"path": self.path, "id": one, "timestamp": stamp, "body": body.decode(),
                    "signature": self.headers["webhook-signature"],
                    "traceparent": self.headers["traceparent"], "tracestate": self.headers["tracestate"],
                    "expected": "v1," + base64.b64encode(digest).decode()}), flush=True)
            if self.path == "/hang": never.wait()
            status = {"/gone": 410, "/redirect": 302, "/flaky": 500 if new else 200}.get(self.path, 204)
            self.send_response(status)
            if status == 302: self.send_header("Location", "/ok")
            if status != 204: self.send_header("Content-Length", "0")
            self.end_headers()
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    print(server.server_port, flush=True)
    server.serve_forever()
    """#
}
