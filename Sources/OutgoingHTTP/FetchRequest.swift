// What is sent, and what comes back. Pure: nothing here touches the network.

import JobModel

/// One fetch, checked.
public struct FetchRequest: Sendable {
  public enum Method: Sendable, Equatable {
    case get, head
    /// With this body.
    case post([UInt8])
  }

  public var url: String
  public var method: Method
  public var headers: [String: String]
  /// At most five of them, with the address checked at each.
  public var followsRedirects: Bool
  /// The response's body is not wanted: nothing of it is kept, and the transfer ends well after `maxBytes` of it.
  public var dropsBody: Bool
  public var maxBytes: Int
  /// Counted from when the fetch begins; waiting in line before is not.
  public var timeLimit: Duration
  /// Of whoever wants it.
  public var deadline: Timestamp?
  /// Asked about every address before it is connected to.
  public var mayConnect: @Sendable (IPAddress) -> Bool

  public init(
    url: String, method: Method = .get, headers: [String: String] = [:], followsRedirects: Bool = true,
    dropsBody: Bool = false, maxBytes: Int, timeLimit: Duration, deadline: Timestamp? = nil,
    mayConnect: @escaping @Sendable (IPAddress) -> Bool
  ) {
    self.url = url
    self.method = method
    self.headers = headers
    self.followsRedirects = followsRedirects
    self.dropsBody = dropsBody
    self.maxBytes = maxBytes
    self.timeLimit = timeLimit
    self.deadline = deadline
    self.mayConnect = mayConnect
  }

  /// What is left for a fetch that begins now: at least a millisecond, because libcurl takes 0 for "no limit".
  func timeAllowed(now: Timestamp) -> Duration {
    max(min(timeLimit, deadline.map { now.duration(to: $0) } ?? timeLimit), .milliseconds(1))
  }
}

/// What came back.
public struct FetchResponse: Sendable {
  public var status: Int
  /// After redirects.
  public var url: String
  /// Names in lower case.
  public var headers: [String: String]
  public var body: [UInt8]
}

/// No answer came; `message` says why, in words for whoever asked for the fetch.
public struct FetchError: Error, Sendable, CustomStringConvertible {
  public let message: String
  public init(_ message: String) { self.message = message }
  public var description: String { message }
}
