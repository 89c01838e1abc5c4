import CMicrohttpd

/// Who a server is to clients that speak TLS: a certificate with those that vouch for it, and its private key. A value
/// that exists has been checked.
public struct TLSIdentity: Sendable, Equatable {
  /// PEM.
  private let certificate: [UInt8]
  private let key: [UInt8]

  public enum Refusal: Error, Sendable, Equatable, CustomStringConvertible {
    case mismatch
    /// GnuTLS's words.
    case unusable(String)

    public var description: String {
      switch self {
      case .mismatch: "the certificate and the key do not belong together"
      case .unusable(let words): "not a certificate and its key as unencrypted PEM text: \(words)"
      }
    }
  }

  /// - Parameters:
  ///   - certificate: PEM, the server's own first, then those that lead to its root.
  ///   - key: PEM, not encrypted.
  public init(certificate: [UInt8], key: [UInt8]) throws(Refusal) {
    if certificate.contains(0) || key.contains(0) { throw .unusable("there is a zero byte") }
    let code = mhd_tls_check(certificate, certificate.count, key, key.count)
    if mhd_tls_is_mismatch(code) != 0 { throw .mismatch }
    if code != 0 { throw .unusable(mhd_tls_error(code).map { String(cString: $0) } ?? "error \(code)") }
    self.certificate = certificate
    self.key = key
  }

  /// Both as C strings.
  func withTexts<Value>(_ body: (UnsafePointer<CChar>, UnsafePointer<CChar>) -> Value) -> Value {
    func terminated(_ text: [UInt8]) -> [CChar] { text.map { CChar(bitPattern: $0) } + [0] }
    return terminated(certificate).withUnsafeBufferPointer { certificate in
      terminated(key).withUnsafeBufferPointer { key in
        guard let certificate = certificate.baseAddress, let key = key.baseAddress else {
          preconditionFailure("a terminated string has an address")
        }
        return body(certificate, key)
      }
    }
  }
}
