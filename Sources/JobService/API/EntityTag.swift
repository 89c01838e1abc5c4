import HTTPServer

/// Entity tags (RFC 9110, section 8.8.3): made here of a reply's bytes, and found in conditions.
enum EntityTag {
  /// A strong validator: a hash of the very bytes, so that progress which is not in the store yet changes it too, and
  /// acceptors that show the same bytes agree.
  static func strong(_ bytes: [UInt8]) -> String {
    // FNV-1a, twice with different offsets: 128 bits in all are plenty against an accident, and nobody gains by a forgery.
    var a: UInt64 = 0xcbf2_9ce4_8422_2325
    var b: UInt64 = 0x9ae1_6a3b_2f90_404f
    for byte in bytes {
      a = (a ^ UInt64(byte)) &* 0x100_0000_01b3
      b = (b ^ UInt64(byte)) &* 0x100_0000_01b3 &+ 0x9e37
    }
    return "\"\(String(a, radix: 36))\(String(b, radix: 36))\""
  }

  /// Whether an `If-None-Match` names the tag; the comparison is weak (section 13.1.2).
  static func matches(_ condition: String, _ etag: String) -> Bool {
    if condition == etag { return true }
    return condition.split(separator: ",").contains { part in
      let part = part.trimmed
      return part == "*" || part == etag || part == "W/" + etag
    }
  }
}

/// A reply that never changes while the server runs.
struct FixedReply: Sendable {
  private let etag: String
  private let response: HTTPResponse

  init(mediaType: String, _ bytes: [UInt8], _ headers: [HTTPField] = []) {
    etag = EntityTag.strong(bytes)
    let own = [HTTPField("Content-Type", mediaType), HTTPField("ETag", etag), HTTPField("Cache-Control", "no-cache")]
    response = HTTPResponse(PreparedResponse(headers: own + headers, bytes: bytes))
  }

  func response(ifNoneMatch condition: String?) -> HTTPResponse {
    condition.map { EntityTag.matches($0, etag) } ?? false ? response.notModified() : response
  }
}
