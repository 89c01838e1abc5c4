import Glibc

/// An address to listen on: `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`, `unix:/run/millrace.sock`.
public enum ListenAddress: Sendable, Hashable, CustomStringConvertible {
  /// `host` is an IPv4 address, an IPv6 address without its brackets, or a name. Port 0 is a free one.
  case tcp(host: String, port: UInt16)
  case unix(path: String)

  /// Reads the notation that `description` writes. Strict: the port must be there, an IPv6 address must stand in
  /// brackets, an IPv4 address has four parts, a Unix path must fit its socket address.
  public init(_ text: String) throws(ValueError) {
    if text.hasPrefix("unix:") {
      let path = String(text.dropFirst("unix:".count))
      guard !path.isEmpty, !path.utf8.contains(0) else { throw ValueError("must have a path after 'unix:'") }
      guard path.utf8.count <= Self.unixPathLimitBytes else {
        throw ValueError("must be a path of at most \(Self.unixPathLimitBytes) bytes, the most a Unix socket can have")
      }
      self = .unix(path: path)
      return
    }
    guard let colon = text.lastIndex(of: ":") else { throw Self.notAnAddress(text) }
    let host = text[..<colon]
    let digits = text[text.index(after: colon)...]
    guard let port = Self.port(digits) else {
      throw ValueError("must end in a port from 0 to 65535, not '\(printable(String(digits)))'")
    }
    if host.hasPrefix("[") && host.hasSuffix("]") {
      let address = String(host.dropFirst().dropLast())
      var binary = in6_addr()
      guard inet_pton(AF_INET6, address, &binary) == 1 else {
        throw ValueError("must have an IPv6 address in its brackets, not '\(printable(address))'")
      }
      self = .tcp(host: address, port: port)
    } else {
      guard Self.isHost(String(host)) else { throw Self.notAnAddress(text) }
      self = .tcp(host: String(host), port: port)
    }
  }

  public var description: String {
    switch self {
    case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }

  /// Only programs of this machine reach it: a Unix socket, `127.0.0.0/8`, `::1`, `localhost`.
  public var isLocal: Bool {
    switch self {
    case .unix: return true
    case .tcp(let host, _):
      if host.lowercased() == "localhost" { return true }
      var v4 = in_addr()
      if inet_pton(AF_INET, host, &v4) == 1 { return UInt32(bigEndian: v4.s_addr) >> 24 == 127 }
      var v6 = in6_addr()
      guard inet_pton(AF_INET6, host, &v6) == 1 else { return false }
      return withUnsafeBytes(of: v6) { $0.dropLast().allSatisfy { $0 == 0 } && $0.last == 1 }
    }
  }

  /// unix(7): `sun_path` is 108 bytes, and a path in the file system ends with a zero byte.
  static let unixPathLimitBytes = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

  private static func notAnAddress(_ text: String) -> ValueError {
    ValueError("must be HOST:PORT, [IPV6]:PORT or unix:PATH, not '\(printable(text))'")
  }

  private static func port(_ digits: Substring) -> UInt16? {
    let isNumber = (1...5).contains(digits.utf8.count) && digits.utf8.allSatisfy { (0x30...0x39).contains($0) }
    return isNumber ? UInt16(digits) : nil
  }

  /// An IPv4 address, or a name as RFC 1123, section 2.1, allows it. What has only digits and dots is meant as an
  /// address, and the C library would read `127.1` in its own way.
  private static func isHost(_ host: String) -> Bool {
    guard (1...253).contains(host.utf8.count) else { return false }
    if host.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }) {
      var binary = in_addr()
      return inet_pton(AF_INET, host, &binary) == 1
    }
    return host.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
      (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
        && label.utf8.allSatisfy { byte in
          switch byte {
          case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"):
            true
          default: false
          }
        }
    }
  }
}
