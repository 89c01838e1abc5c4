import CCrypto
import FoundationEssentials

/// The signature of a callback (Standard Webhooks, "Signature scheme"): `v1,` and the base64 of the HMAC-SHA256 of the id,
/// the timestamp and the body, with points between.
enum CallbackSignature {
  static func text(id: String, timestamp: String, body: [UInt8], secret: [UInt8]) -> String {
    let content = Array("\(id).\(timestamp).".utf8) + body
    var digest = [UInt8](repeating: 0, count: 32)
    var length: UInt32 = 0
    // Fails only for want of memory (HMAC(3ssl)).
    let result = HMAC(EVP_sha256(), secret, Int32(secret.count), content, content.count, &digest, &length)
    precondition(result != nil && length == 32, "OpenSSL cannot compute an HMAC-SHA256")
    return "v1," + Data(digest).base64EncodedString()
  }
}
