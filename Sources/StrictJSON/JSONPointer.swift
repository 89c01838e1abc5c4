/// Where a value stands in a text: RFC 6901. The root is the empty pointer.
public struct JSONPointer: Hashable, Sendable, CustomStringConvertible {
  /// Such as `/args/a/0/x~1y`.
  public let text: String

  private init(text: String) { self.text = text }

  public static let root = JSONPointer(text: "")

  /// The member of this object.
  public func appending(key: String) -> JSONPointer { JSONPointer(text: text + "/" + Self.escaped(key)) }

  /// The element of this array, counted from 0.
  public func appending(index: Int) -> JSONPointer { JSONPointer(text: "\(text)/\(index)") }

  /// A key as it stands in a pointer: `~` is `~0`, `/` is `~1` (RFC 6901 section 3).
  public static func escaped(_ key: String) -> String {
    if !key.utf8.contains(where: { $0 == UInt8(ascii: "~") || $0 == UInt8(ascii: "/") }) { return key }
    var escaped = ""
    for scalar in key.unicodeScalars {
      switch scalar {
      case "~": escaped += "~0"
      case "/": escaped += "~1"
      default: escaped.unicodeScalars.append(scalar)
      }
    }
    return escaped
  }

  public var description: String { text }
}
