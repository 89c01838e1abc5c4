import FoundationEssentials
import Glibc

extension ServerConfiguration {
  /// What the Standard Webhooks specification asks for at least ("Signature scheme"), and more than anybody needs.
  static let callbackSecretBytes = 24...1024

  /// Reads the file that `callback_secret_file` names, if it names one.
  mutating func readCallbackSecret(origin: ConfigurationOrigin?) throws(ConfigurationError) {
    guard let callbackSecretFile, let origin else { return }
    let bytes: [UInt8]
    do { bytes = try FileText.read(callbackSecretFile, limitBytes: 4096) } catch {
      let reason =
        switch error {
        case .system(let errno): String(cString: strerror(errno))
        case .tooLarge: "it is larger than 4 KiB"
        case .notAFile: "it is not a file"
        }
      throw ConfigurationError(.unreadable, "\(origin): \(printable(callbackSecretFile)): cannot be read: \(reason)")
    }
    guard let secret = Self.callbackSecret(bytes), Self.callbackSecretBytes.contains(secret.count) else {
      let limits = "\(Self.callbackSecretBytes.lowerBound) to \(Self.callbackSecretBytes.upperBound) bytes"
      throw ConfigurationError(
        .invalid,
        "\(origin): \(printable(callbackSecretFile)): must hold a secret of \(limits), plain or as whsec_ and base64")
    }
    callbackSecret = secret
  }

  /// Line ends and spaces around it do not belong to it: files that were written by hand end with one.
  private static func callbackSecret(_ bytes: [UInt8]) -> [UInt8]? {
    func isBlank(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0a, 0x0d].contains(byte) }
    let trimmed = Array(bytes.drop(while: isBlank).reversed().drop(while: isBlank).reversed())
    let prefix = Array("whsec_".utf8)
    guard trimmed.starts(with: prefix) else { return trimmed }
    return Data(base64Encoded: Data(trimmed.dropFirst(prefix.count))).map(Array.init)
  }
}
