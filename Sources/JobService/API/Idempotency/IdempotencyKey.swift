import EventLoop
import HTTPServer

/// The header `Idempotency-Key` (draft-ietf-httpapi-idempotency-key-header, section 2.1): a string of structured fields
/// (RFC 8941, section 3.3.3), `"8e03978e"`; the same without its quotes is taken too.
struct IdempotencyKey: Sendable, Equatable {
  static let limitBytes = 255

  let text: String

  /// - Parameter field: the value of all fields of that name together; `nil`: there is none.
  static func read(_ field: String?) throws(APIError) -> IdempotencyKey? {
    guard let field else { return nil }
    let text = field.utf8.first == UInt8(ascii: "\"") ? try unquoted(field) : field
    guard !text.isEmpty else { throw .badRequest("Idempotency-Key is empty") }
    guard text.utf8.count <= limitBytes else {
      throw .badRequest("Idempotency-Key must have at most \(limitBytes) characters")
    }
    guard text.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else {
      throw .badRequest("Idempotency-Key must have printable ASCII characters only")
    }
    return IdempotencyKey(text: text)
  }

  private static func unquoted(_ field: String) throws(APIError) -> String {
    var bytes: [UInt8] = []
    var rest = field.utf8.dropFirst()
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "\""):
        if rest.isEmpty { return String(decoding: bytes, as: UTF8.self) }
        throw .badRequest("Idempotency-Key goes on after its closing quote")
      case UInt8(ascii: "\\"):
        guard let next = rest.popFirst(), next == UInt8(ascii: "\"") || next == UInt8(ascii: "\\") else {
          throw .badRequest("Idempotency-Key has a backslash before something else than a quote or a backslash")
        }
        bytes.append(next)
      default: bytes.append(byte)
      }
    }
    throw .badRequest("Idempotency-Key lacks its closing quote")
  }
}
