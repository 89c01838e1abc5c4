import Configuration
import HTTPServer
import Logging

/// Makes the server's identity of the files that the configuration names. In the master, at the start and at each reload,
/// so that a bad new pair never reaches an acceptor, and one that is restarted has the pair of its generation.
enum TLSSetup {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  /// `nil`: there is no TLS.
  static func identity(_ configuration: ServerConfiguration, _ log: Logger) throws -> TLSIdentity? {
    guard let files = try configuration.readTLSFiles() else { return nil }
    let (certificate, key) = (configuration.tlsCertificate ?? "", configuration.tlsKey ?? "")
    if files.keyIsOpenToOthers {
      log.warning("every user of this machine can read the TLS key", metadata: ["tls_key": "\(key)"])
    }
    do {
      return try TLSIdentity(certificate: files.certificate, key: files.key)
    } catch {
      throw Failure(description: "tls_certificate \(certificate) and tls_key \(key): \(error)")
    }
  }
}
