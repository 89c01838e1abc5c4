/// Header fields, media types and codings; and jobs in a state in which they cannot do what is asked.
extension BadInput {
  static let headers: [BadInput] =
    [
      "text/html", "application/xml", "image/*", "application/json;q=0", "*/*;q=0", "text/*, image/*;q=0.5",
      "application/json;q=0, */*;q=0.1", "application/vnd.api+json",
    ].flatMap { type in
      ["/v1/jobs", "/v1/jobs/{done}", "/v1/handlers"].map { path in
        BadInput("\(path) as \(type)", "GET \(path)", 406, headers: ["Accept: \(type)"])
      }
    }
    + [
      BadInput("the metrics as JSON", "GET /metrics", 406, headers: ["Accept: application/json"]),
      BadInput("a log as an image", "GET /v1/jobs/{done}/log", 406, headers: ["Accept: image/png"]),
      BadInput("events as JSON", "GET /v1/jobs/{done}/events", 406, headers: ["Accept: application/json"]),
      BadInput("a JSON result as an image", "GET /v1/jobs/{done}/result", 406, headers: ["Accept: image/png"]),
      BadInput("an image as JSON", "GET /v1/jobs/{image}/result", 406, headers: ["Accept: application/json"]),
      BadInput(
        "a submit that takes no JSON", "POST /v1/jobs", 406, headers: ["Accept: text/html"],
        body: #"{"handler": "noop"}"#),
      BadInput("a foreign Origin", "POST /v1/run/noop", 403, headers: ["Origin: https://evil.example"], body: "{}"),
      BadInput("no Origin by name", "POST /v1/run/noop", 403, headers: ["Origin: null"], body: "{}"),
      BadInput("another port's Origin", "POST /v1/run/noop", 403, headers: ["Origin: http://localhost:1"], body: "{}"),
      BadInput("another site", "POST /v1/jobs/{done}/cancel", 403, headers: ["Sec-Fetch-Site: cross-site"]),
      BadInput("the same site only", "DELETE /v1/jobs/{done}", 403, headers: ["Sec-Fetch-Site: same-site"]),
      BadInput("a Sec-Fetch-Site of nobody's", "DELETE /v1/jobs/{done}", 403, headers: ["Sec-Fetch-Site: mars"]),
      BadInput("an unknown expectation", "POST /v1/run/sha256", 417, headers: ["Expect: miracles"], body: "x"),
    ]
    + ["gzip", "deflate", "br", "zstd", "gzip, identity", "x-gzip", "aes128gcm"].map {
      BadInput(
        "a body coded as \($0)", "POST /v1/run/sha256", 415, headers: ["Content-Encoding: \($0)"], body: "x",
        reply: ("accept-encoding", "identity"))
    }
    + [
      "text/plain", "image/png", "multipart/form-data; boundary=x", "application/jsonx", "application/xml", "json",
      "text/html;charset=utf-8", "application/x-ndjson", "*/*", "application",
    ].map {
      BadInput(
        "a submit as \($0)", "POST /v1/jobs", 415, headers: ["Content-Type: \($0)"], body: #"{"handler": "noop"}"#)
    }
    + [
      BadInput("JSON arguments as text", "POST /v1/run/noop", 415, headers: ["Content-Type: text/plain"], body: "{}")
    ]

  static let states: [BadInput] =
    ["scheduled", "running"].flatMap { state in
      [
        BadInput("the result of a \(state) job", "GET /v1/jobs/{\(state)}/result", 409, reply: ("retry-after", "")),
        BadInput("a delete of a \(state) job", "DELETE /v1/jobs/{\(state)}", 409),
        BadInput("a retry of a \(state) job", "POST /v1/jobs/{\(state)}/retry", 409),
      ]
    }
    + ["failed", "cancelled"].map { BadInput("the result of a \($0) job", "GET /v1/jobs/{\($0)}/result", 409) }
    + ["done", "failed", "cancelled"].map { BadInput("a cancel of a \($0) job", "POST /v1/jobs/{\($0)}/cancel", 409) }
    + [
      BadInput("a retry of a job that succeeded", "POST /v1/jobs/{done}/retry", 409),
      BadInput("a deleted job", "GET /v1/jobs/{deleted}", 410),
      BadInput("a deleted job's result", "GET /v1/jobs/{deleted}/result", 410),
      BadInput("a deleted job's log", "GET /v1/jobs/{deleted}/log", 410),
      BadInput("a deleted job's events", "GET /v1/jobs/{deleted}/events", 410),
      BadInput("a cancel of a deleted job", "POST /v1/jobs/{deleted}/cancel", 410),
      BadInput("a retry of a deleted job", "POST /v1/jobs/{deleted}/retry", 410),
      BadInput("a second delete", "DELETE /v1/jobs/{deleted}", 410),
    ]

  static let sizes: [BadInput] = [
    .init("a body for a cancel", "POST /v1/jobs/{done}/cancel", 413, body: "{}"),
    .init("a body for a retry", "POST /v1/jobs/{failed}/retry", 413, body: "{}"),
    .init("a body for a delete", "DELETE /v1/jobs/{done}", 413, body: "{}"),
    .init("a body for a list", "GET /v1/jobs", 413, body: "{}"),
    .init("a long target", "GET /v1/jobs?handler=\(String(repeating: "a", count: 9000))", 414),
    .init("a long header", "GET /v1/jobs", 431, headers: ["X-Long: \(String(repeating: "a", count: 17_000))"]),
    .init("many headers", "GET /v1/jobs", 431, headers: (0..<60).map { "X-\($0): a" }),
    .submit(
      "metadata of more than 16 KiB",
      #"{"handler": "noop", "metadata": {"a": "\#(String(repeating: "a", count: 16 * 1024))"}}"#, "/metadata"),
    .submit("a very long handler", #"{"handler": "\#(String(repeating: "a", count: 5000))"}"#, "/handler"),
    .submit(
      "a very long field", #"{"handler": "noop", "\#(String(repeating: "a", count: 500))": 1}"#,
      "/" + String(repeating: "a", count: 500)),
  ]
}
