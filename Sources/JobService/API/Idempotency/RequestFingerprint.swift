import CCrypto
import Glibc

/// What tells one request from another: SHA-256 over its method, its target, its media type and its body.
enum RequestFingerprint {
  /// A digest could not be made: out of memory, or the file of a body cannot be read.
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  enum Body: Sendable {
    case bytes([UInt8])
    /// In the spool folder, by its whole path.
    case file(path: String)
  }

  /// Reads the whole body: not on the event loop where it is large.
  static func make(_ parts: [String], _ body: Body) throws -> [UInt8] {
    guard let context = EVP_MD_CTX_new() else { throw Failure(description: "OpenSSL has no memory for a digest") }
    defer { EVP_MD_CTX_free(context) }
    try check(EVP_DigestInit_ex(context, EVP_sha256(), nil))
    for part in parts {
      let text = Array(part.utf8)
      // Each with its length, so that no part can pass for the end of the one before.
      withUnsafeBytes(of: UInt64(text.count).littleEndian) { _ = EVP_DigestUpdate(context, $0.baseAddress, $0.count) }
      try check(EVP_DigestUpdate(context, text, text.count))
    }
    switch body {
    case .bytes(let bytes): try check(EVP_DigestUpdate(context, bytes, bytes.count))
    case .file(let path): try update(context, withFile: path)
    }
    var digest = [UInt8](repeating: 0, count: 32)
    var length: UInt32 = 0
    try check(EVP_DigestFinal_ex(context, &digest, &length))
    return digest
  }

  private static func update(_ context: OpaquePointer, withFile path: String) throws {
    let file = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else { throw Failure(description: "\(path): \(String(cString: strerror(errno)))") }
    defer { close(file) }
    var piece = [UInt8](repeating: 0, count: 256 * 1024)
    while true {
      let count = read(file, &piece, piece.count)
      if count == 0 { return }
      if count < 0 {
        if errno == EINTR { continue }
        throw Failure(description: "\(path): \(String(cString: strerror(errno)))")
      }
      try check(EVP_DigestUpdate(context, piece, count))
    }
  }

  private static func check(_ code: Int32) throws {
    if code != 1 { throw Failure(description: "OpenSSL failed at a SHA-256 digest") }
  }
}
