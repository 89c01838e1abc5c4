import Glibc

/// The server could not do what the operating system or libmicrohttpd was asked for.
public struct HTTPServerError: Error, Sendable, CustomStringConvertible {
  public let operation: String
  /// An errno.
  public let code: Int32

  public var description: String { "HTTP server: \(operation): \(String(cString: strerror(code)))" }
}
