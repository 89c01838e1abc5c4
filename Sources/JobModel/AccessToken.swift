/// What a token allows. Each stands for itself: none includes another.
public enum TokenScope: String, Sendable, CaseIterable {
  /// Submit jobs.
  case submit
  /// See everything.
  case read
  /// Cancel, retry, delete, pause.
  case operate
}

/// A bearer token as the server knows it: never the secret itself, only its hash.
public struct AccessToken: Sendable, Equatable {
  public let hash: TokenHash
  public var scopes: Set<TokenScope>
  /// Whom or what it is for, as its maker put it.
  public var name: String?
  public var createdAt: Timestamp
  /// `nil`: it holds until it is revoked.
  public var expiresAt: Timestamp?

  public init(
    hash: TokenHash, scopes: Set<TokenScope>, name: String?, createdAt: Timestamp, expiresAt: Timestamp?
  ) {
    self.hash = hash
    self.scopes = scopes
    self.name = name
    self.createdAt = createdAt
    self.expiresAt = expiresAt
  }

  /// What people call it by.
  public var id: String { hash.id }

  public func holds(at now: Timestamp) -> Bool { expiresAt.map { now < $0 } ?? true }
}

/// The SHA-256 of a token. A token is 256 random bits, so nobody finds one by trying, and its hash needs neither salt nor
/// a slow function: those are for secrets that people choose.
public struct TokenHash: Sendable, Equatable {
  private let words: SIMD4<UInt64>

  /// `nil` unless there are 32 bytes.
  public init?(_ bytes: [UInt8]) {
    guard bytes.count == 32 else { return nil }
    var words = SIMD4<UInt64>()
    for (index, byte) in bytes.enumerated() { words[index / 8] = words[index / 8] << 8 | UInt64(byte) }
    self.words = words
  }

  public var bytes: [UInt8] {
    (0..<32).map { UInt8(truncatingIfNeeded: words[$0 / 8] >> UInt64(56 - $0 % 8 * 8)) }
  }

  /// To find it by in a table. It betrays nothing of the token.
  public var firstWord: UInt64 { words[0] }

  /// 12 hexadecimal digits of the hash: enough to name a token among thousands.
  public var id: String {
    let digits = String(words[0] >> 16, radix: 16)
    return String(repeating: "0", count: 12 - digits.count) + digits
  }

  /// Takes the same time wherever the two differ.
  public static func == (one: TokenHash, other: TokenHash) -> Bool {
    let difference = one.words ^ other.words
    return difference[0] | difference[1] | difference[2] | difference[3] == 0
  }
}
