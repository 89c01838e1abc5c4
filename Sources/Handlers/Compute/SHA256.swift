import CCrypto
import HandlerAPI

/// The SHA-256 digest of a body of any size, or of `{"text": "…"}`.
public struct SHA256: Handler {
  public struct Output: Encodable, Sendable {
    /// 64 lower-case hexadecimal digits.
    public var sha256: String
    public var bytes: Int
  }

  public static let name = "sha256"
  public static let summary = "The SHA-256 digest of the request body, or of a text."

  /// `{"text": "…"}`
  public static var argumentsInsteadOfBody: (any (Decodable & Sendable).Type)? { TextArgs.self }

  public init() {}

  public func run(_ input: RawBody, _ context: JobContext) async throws -> Output {
    var digest = try RunningDigest()
    var byteCount = 0
    try BodyOrText.forEachPiece(input, context) { piece in
      try digest.update(piece)
      byteCount += piece.count
    }
    return Output(sha256: hexadecimal(try digest.finish()), bytes: byteCount)
  }

  private func hexadecimal(_ bytes: [UInt8]) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}

/// Owns one OpenSSL digest context; libcrypto takes the processor's SHA instructions where there are any.
private struct RunningDigest: ~Copyable {
  private let context: OpaquePointer

  init() throws(HandlerError) {
    guard let context = EVP_MD_CTX_new() else { throw HandlerError("OpenSSL has no memory for a digest") }
    guard EVP_DigestInit_ex(context, EVP_sha256(), nil) == 1 else {
      EVP_MD_CTX_free(context)
      throw HandlerError("OpenSSL cannot begin a SHA-256 digest")
    }
    self.context = context
  }

  deinit { EVP_MD_CTX_free(context) }

  mutating func update(_ bytes: UnsafeRawBufferPointer) throws(HandlerError) {
    guard EVP_DigestUpdate(context, bytes.baseAddress, bytes.count) == 1 else {
      throw HandlerError("OpenSSL failed in the middle of a SHA-256 digest")
    }
  }

  /// To be called once.
  mutating func finish() throws(HandlerError) -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    var length: UInt32 = 0
    guard EVP_DigestFinal_ex(context, &digest, &length) == 1, length == 32 else {
      throw HandlerError("OpenSSL cannot finish a SHA-256 digest")
    }
    return digest
  }
}
