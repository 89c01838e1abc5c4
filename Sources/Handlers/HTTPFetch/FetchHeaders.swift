import HandlerAPI

/// Which request headers http_fetch sends for a job.
enum FetchHeaders {
  private static let countLimit = 64
  private static let bytesLimit = 32 * 1024

  /// Those that govern the connection or its framing (RFC 9110, section 7.6.1, and RFC 9112), which libcurl must keep
  /// consistent, and `host`, which would reach another site than the address checked.
  private static let reserved: Set<String> = [
    "connection", "content-length", "expect", "host", "http2-settings", "keep-alive", "te", "trailer",
    "transfer-encoding", "upgrade",
  ]

  static func errors(_ headers: [String: String]) -> [InputError] {
    if headers.count > countLimit {
      return [InputError(pointer: "/headers", detail: "must be at most \(countLimit) headers")]
    }
    let size = headers.reduce(0) { $0 + $1.key.utf8.count + $1.value.utf8.count }
    if size > bytesLimit { return [InputError(pointer: "/headers", detail: "must be at most \(bytesLimit) bytes")] }
    return headers.sorted { $0.key < $1.key }.compactMap { name, value in
      problem(name, value).map { InputError(pointer: "/headers/\(escaped(name))", detail: $0) }
    }
  }

  /// Those that are sent: with the job's trace, unless the job names one of its own.
  static func sent(_ headers: [String: String], in context: JobContext) -> [String: String] {
    if headers.keys.contains(where: { $0.lowercased() == "traceparent" }) { return headers }
    let others = headers.filter { $0.key.lowercased() != "tracestate" }
    let trace = context.traceFields()
    return trace.isEmpty ? headers : others.merging(trace) { $1 }
  }

  private static func problem(_ name: String, _ value: String) -> String? {
    if name.isEmpty || !name.utf8.allSatisfy(isTokenByte) { return "the name is not an HTTP field name" }
    let lowerName = name.lowercased()
    if reserved.contains(lowerName) || lowerName.hasPrefix("proxy-") { return "belongs to the connection, not to you" }
    // RFC 9110, section 5.5: a line break would begin another header.
    if value.utf8.contains(where: { $0 < 0x20 && $0 != 0x09 || $0 == 0x7f }) {
      return "must not contain control characters"
    }
    return nil
  }

  /// RFC 9110, section 5.6.2.
  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
    }
  }

  /// As a step of a JSON pointer (RFC 6901, section 3).
  private static func escaped(_ name: String) -> String {
    var text = ""
    for character in name.unicodeScalars {
      switch character {
      case "~": text += "~0"
      case "/": text += "~1"
      default: text.unicodeScalars.append(character)
      }
    }
    return text
  }
}
