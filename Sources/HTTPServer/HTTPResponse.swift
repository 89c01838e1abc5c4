/// A header field of a response.
public struct HTTPField: Sendable, Equatable {
  public var name: String
  public var value: String

  public init(_ name: String, _ value: String) {
    self.name = name
    self.value = value
  }
}

/// A reply: its status, its own header fields, and its body. `Date`, `Content-Length` or `Transfer-Encoding`, and
/// `Connection` are the server's to write.
public struct HTTPResponse: Sendable {
  public enum Body: Sendable {
    case empty
    case bytes([UInt8])
    /// Bytes and header fields made once and sent many times; the response's own `headers` are left out.
    case prepared(PreparedResponse)
    case file(FileRange)
    /// Bytes that are made while they are sent. The server answers HEAD from it without asking it for any.
    case stream(ResponseStream)
  }

  public var status: Int
  public var headers: [HTTPField]
  public var body: Body

  public init(status: Int, headers: [HTTPField] = [], body: Body = .empty) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  public init(status: Int = 200, mediaType: String, _ bytes: [UInt8]) {
    self.init(status: status, headers: [HTTPField("Content-Type", mediaType)], body: .bytes(bytes))
  }

  public init(_ prepared: PreparedResponse) {
    self.init(status: prepared.status, body: .prepared(prepared))
  }

  /// The 304 that stands for this response (RFC 9110, section 15.4.5): its header fields and its length, and no body.
  public func notModified() -> HTTPResponse {
    var response = self
    response.status = 304
    return response
  }
}
