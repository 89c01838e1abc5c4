import Glibc

/// The certificate and the key that a configuration names, as they are in their files now.
public struct TLSFiles: Sendable, Equatable {
  public let certificate: [UInt8]
  public let key: [UInt8]
  /// Users other than the owner and the group may read the key.
  public let keyIsOpenToOthers: Bool

  /// A chain of a few certificates is some kilobytes.
  static let limitBytes = 1 << 20
}

extension ServerConfiguration {
  /// Reads the files; `nil`: there is no TLS.
  public func readTLSFiles() throws(ConfigurationError) -> TLSFiles? {
    guard let tlsCertificate, let tlsKey else { return nil }
    return TLSFiles(
      certificate: try Self.read(tlsCertificate, as: .tlsCertificate, origin: nil),
      key: try Self.read(tlsKey, as: .tlsKey, origin: nil), keyIsOpenToOthers: FileText.isOpenToOthers(tlsKey))
  }

  /// Both are named, and can be read, or none.
  func checkTLSFiles(_ origins: [ConfigurationKey: ConfigurationOrigin]) throws(ConfigurationError) {
    for (key, path, other) in [
      (ConfigurationKey.tlsCertificate, tlsCertificate, ConfigurationKey.tlsKey),
      (.tlsKey, tlsKey, .tlsCertificate),
    ] {
      // What is set has an origin.
      guard let path, let origin = origins[key] else { continue }
      guard origins[other] != nil else {
        throw ConfigurationError(at: origin, "\(key.rawValue) needs \(other.rawValue) as well")
      }
      _ = try Self.read(path, as: key, origin: origin)
    }
  }

  private static func read(
    _ path: String, as key: ConfigurationKey, origin: ConfigurationOrigin?
  ) throws(ConfigurationError) -> [UInt8] {
    do { return try FileText.read(path, limitBytes: TLSFiles.limitBytes) } catch {
      let place = origin?.description ?? key.rawValue
      throw ConfigurationError(.unreadable, "\(place): \(printable(path)): cannot be read: \(error)")
    }
  }
}
