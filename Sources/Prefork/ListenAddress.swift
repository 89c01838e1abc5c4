/// Where a server can be reached.
public enum ListenAddress: Hashable, Sendable, CustomStringConvertible {
  /// `host` is an IPv4 or IPv6 literal (without brackets) or a name; port 0 stands for a free one.
  case tcp(host: String, port: UInt16)
  case unix(path: String)

  /// `127.0.0.1:8080`, `[::1]:8080`, `unix:/run/millrace.sock`.
  public var description: String {
    switch self {
    case .tcp(let host, let port): host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]:\(port)" : "\(host):\(port)"
    case .unix(let path): "unix:\(path)"
    }
  }
}

/// Why an address cannot be bound; one line.
public struct ListenError: Error, Equatable, Sendable, CustomStringConvertible {
  public enum Reason: Equatable, Sendable {
    /// Somebody else listens there.
    case inUse
    /// The name stands for no address; getaddrinfo(3)'s words.
    case unknownHost(String)
    /// There is a file at a Unix socket's path that is no socket.
    case notASocket
    /// More bytes than a Unix socket's path can have (107, unix(7)), or none, or a zero byte.
    case badPath
    case system(operation: String, code: Int32)
  }
  public let address: ListenAddress
  public let reason: Reason

  public var description: String {
    let cause =
      switch reason {
      case .inUse: "it is in use"
      case .unknownHost(let words): words
      case .notASocket: "the file there is not a socket"
      case .badPath: "a socket's path has 1 to 107 bytes"
      case .system(let operation, let code): PreforkError.system(operation: operation, code: code).description
      }
    return "cannot listen on \(address): \(cause)"
  }
}
