/// An error as `application/problem+json` (RFC 9457):
/// `{"type": "about:blank", "title": "Not Found", "status": 404, "detail": "there is no such job"}`.
public struct Problem: Error, Sendable, Equatable {
  public var status: Int
  /// `about:blank`: the problem is what the status says, and no more (RFC 9457, section 4.2.1).
  public var type: String
  public var title: String
  public var detail: String?
  /// Further members as JSON text, such as `"line": 3, "column": 7`.
  public var members: [UInt8]
  /// Further header fields, such as `Retry-After`.
  public var headers: [HTTPField]

  public init(
    _ status: Int, _ detail: String? = nil, type: String = "about:blank", title: String? = nil,
    members: [UInt8] = [], headers: [HTTPField] = []
  ) {
    self.status = status
    self.type = type
    self.title = title ?? HTTPStatus.reason(status)
    self.detail = detail
    self.members = members
    self.headers = headers
  }

  public static let mediaType = "application/problem+json"

  /// The JSON text.
  public var json: [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(128 + members.count)
    text += #"{"type":"#.utf8
    JSONText.appendString(type, to: &text)
    text += #","title":"#.utf8
    JSONText.appendString(title, to: &text)
    text += #","status":"#.utf8
    text += String(status).utf8
    if let detail {
      text += #","detail":"#.utf8
      JSONText.appendString(detail, to: &text)
    }
    if !members.isEmpty {
      text.append(UInt8(ascii: ","))
      text += members
    }
    text.append(UInt8(ascii: "}"))
    return text
  }

  /// The response: the JSON text, its media type, and no caching.
  public var response: HTTPResponse {
    var response = HTTPResponse(status: status, headers: headers, body: .bytes(json))
    response.headers.append(HTTPField("Content-Type", Self.mediaType))
    response.headers.append(HTTPField("Cache-Control", "no-store"))
    return response
  }
}

/// Writes JSON text.
enum JSONText {
  /// Appends a string with its quotes, escaped as RFC 8259, section 7, asks.
  static func appendString(_ string: String, to text: inout [UInt8]) {
    text.append(UInt8(ascii: "\""))
    for byte in string.utf8 {
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"):
        text.append(UInt8(ascii: "\\"))
        text.append(byte)
      case UInt8(ascii: "\n"): text += #"\n"#.utf8
      case UInt8(ascii: "\r"): text += #"\r"#.utf8
      case UInt8(ascii: "\t"): text += #"\t"#.utf8
      case 0..<0x20:
        let digits = Array("0123456789abcdef".utf8)
        text += #"\u00"#.utf8
        text.append(digits[Int(byte >> 4)])
        text.append(digits[Int(byte & 15)])
      default: text.append(byte)
      }
    }
    text.append(UInt8(ascii: "\""))
  }
}
