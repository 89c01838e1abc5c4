import CCrypto
import JobModel

/// A token as its owner has it: `mrt_` and 256 random bits as 43 characters of URL-safe Base64 (RFC 4648, section 5). The
/// prefix lets people, and scanners that look for leaked secrets, see what it is.
public struct TokenSecret: Sendable {
  public let text: String

  static let prefix = "mrt_"
  private static let byteCount = 32

  /// A new one. Swift's generator takes what getrandom(2) gives (swift/stdlib/public/stubs/Random.cpp), which is fit for
  /// keys.
  public init() {
    var generator = SystemRandomNumberGenerator()
    let bytes = (0..<Self.byteCount).map { _ in UInt8.random(in: .min ... .max, using: &generator) }
    text = Self.prefix + Self.encoded(bytes)
  }

  public var hash: TokenHash { Self.hash(of: Array(text.utf8)) }

  /// Of a token as it was presented, whatever it is.
  public static func hash(of text: some Collection<UInt8>) -> TokenHash {
    var digest = [UInt8](repeating: 0, count: 32)
    let hashed = Array(text).withUnsafeBytes { EVP_Digest($0.baseAddress, $0.count, &digest, nil, EVP_sha256(), nil) }
    guard hashed == 1, let hash = TokenHash(digest) else { fatalError("OpenSSL cannot make a SHA-256 digest") }
    return hash
  }

  private static func encoded(_ bytes: [UInt8]) -> String {
    let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    var characters: [UInt8] = []
    var bits: UInt32 = 0
    var bitCount: UInt32 = 0
    for byte in bytes {
      bits = bits << 8 | UInt32(byte)
      bitCount += 8
      while bitCount >= 6 {
        bitCount -= 6
        characters.append(alphabet[Int(bits >> bitCount & 63)])
      }
    }
    if bitCount > 0 { characters.append(alphabet[Int(bits << (6 - bitCount) & 63)]) }
    return String(decoding: characters, as: UTF8.self)
  }
}
