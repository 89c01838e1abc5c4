import Foundation

/// JSON as text: what a user typed is passed on as it was typed, so that no number loses a digit on its way.
enum JSONText {
  /// Whether `text` is one JSON value of any kind. The server reads it more strictly, and has the last word.
  static func isValue(_ text: String) -> Bool { parsed(text) != nil }

  static func isObject(_ text: String) -> Bool { parsed(text) is [String: Any] }

  private static func parsed(_ text: String) -> Any? {
    try? JSONSerialization.jsonObject(with: Data(text.utf8), options: .fragmentsAllowed)
  }

  /// A string literal (RFC 8259, section 7).
  static func quoted(_ text: String) -> String {
    var literal = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": literal += "\\\""
      case "\\": literal += "\\\\"
      case "\n": literal += "\\n"
      case "\t": literal += "\\t"
      case "\r": literal += "\\r"
      case "\u{0}"..<"\u{20}":
        let digits = String(scalar.value, radix: 16)
        literal += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: literal.unicodeScalars.append(scalar)
      }
    }
    return literal + "\""
  }

  /// An object of members whose values are JSON text already.
  static func object(_ members: [(name: String, json: String)]) -> String {
    "{" + members.map { "\(quoted($0.name)):\($0.json)" }.joined(separator: ",") + "}"
  }
}

/// The query of a request target, built piece by piece.
struct Query {
  private(set) var text = ""

  mutating func append(_ name: String, _ value: String) {
    text += (text.isEmpty ? "?" : "&") + Self.encoded(name) + "=" + Self.encoded(value)
  }

  /// Percent-encodes all but the unreserved characters (RFC 3986, section 2.3).
  static func encoded(_ text: String) -> String {
    var encoded = ""
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        encoded.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        encoded += digits.count == 1 ? "%0\(digits)" : "%\(digits)"
      }
    }
    return encoded
  }
}
