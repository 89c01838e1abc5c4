import Glibc

/// A certificate for localhost that signed itself, and its key, as files of a test's folder.
struct Certificate {
  let path: String
  let keyPath: String

  init(in folder: TestFolder, _ name: String = "tls") throws {
    path = folder.file("\(name)-certificate.pem")
    keyPath = folder.file("\(name)-key.pem")
    let made = try Program.run(
      "/usr/bin/openssl",
      [
        "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", keyPath, "-out",
        path,
      ])
    guard made.status == 0 else { throw NeverHappened(description: "openssl made no certificate: \(made)") }
    chmod(keyPath, 0o600)
  }

  var flags: [String] { ["--tls-certificate", path, "--tls-key", keyPath] }
}

/// What curl, given this certificate to trust, says of an address.
struct Curl {
  let certificate: Certificate
  let port: UInt16

  func run(_ path: String, _ options: [String] = []) throws -> Program.Ended {
    try Program.run(
      "/usr/bin/curl",
      ["-sS", "--max-time", "30", "--cacert", certificate.path] + options + ["https://localhost:\(port)\(path)"])
  }
}

extension ServerProcess {
  /// The TCP port among several addresses.
  func tcpPort() throws -> UInt16 {
    let line = log.split(separator: "\n").first { $0.contains(" serves ") } ?? ""
    guard let start = line.range(of: ".0.1:") ?? line.range(of: "0.0.0.0:"),
      let port = UInt16(line[start.upperBound...].prefix { $0.isNumber })
    else { throw NeverHappened(description: "no port in \(line)") }
    return port
  }
}
