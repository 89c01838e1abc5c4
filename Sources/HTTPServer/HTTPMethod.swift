/// A request's method (RFC 9110, section 9), case-sensitive.
public enum HTTPMethod: Sendable, Hashable {
  case get, head, post, put, patch, delete, options
  case other(String)

  /// Reads a method token. Its characters have been checked before.
  init(token: UnsafeRawBufferPointer) {
    switch token.count {
    case 3 where HeadCharacter.equals(token, "GET"): self = .get
    case 3 where HeadCharacter.equals(token, "PUT"): self = .put
    case 4 where HeadCharacter.equals(token, "HEAD"): self = .head
    case 4 where HeadCharacter.equals(token, "POST"): self = .post
    case 5 where HeadCharacter.equals(token, "PATCH"): self = .patch
    case 6 where HeadCharacter.equals(token, "DELETE"): self = .delete
    case 7 where HeadCharacter.equals(token, "OPTIONS"): self = .options
    default: self = .other(String(decoding: token, as: UTF8.self))
    }
  }

  public var name: String {
    switch self {
    case .get: "GET"
    case .head: "HEAD"
    case .post: "POST"
    case .put: "PUT"
    case .patch: "PATCH"
    case .delete: "DELETE"
    case .options: "OPTIONS"
    case .other(let name): name
    }
  }
}
