import EventLoop
import HTTPServer
import JobModel
import JobStore

/// Who sent a request.
enum Caller {
  /// By way of a Unix socket: whom the file's permissions let in.
  case local
  /// By way of TCP, without a token or with none that holds.
  case stranger(ClientAddress, hadToken: Bool)
  case bearer(AccessToken)
}

/// Says who may do what. Tokens are asked for on TCP only; the permissions of a Unix socket's file guard that one.
@LoopActor
final class AccessGuard {
  /// `nil`: no tokens are needed.
  private let tokens: TokenBook?
  /// `nil`: clients may send as much as they like.
  private let limit: RateLimit?
  private let rates: RateTable

  init(tokens: TokenBook?, limit: RateLimit?, rates: RateTable) {
    self.tokens = tokens
    self.limit = limit
    self.rates = rates
  }

  /// Whether there is anything to ``meter(_:)``.
  var isMetering: Bool { limit != nil }

  /// Counts the request against its client's rate: that of its token where it has one, else that of its address. What
  /// comes by a Unix socket has neither, and is not limited.
  func meter(_ caller: Caller) throws(APIError) {
    guard let limit else { return }
    let key: RateKey
    switch caller {
    case .local: return
    case .stranger(let client, _): key = .network(client.network)
    case .bearer(let token): key = .token(token.hash)
    }
    if let seconds = rates.take(key, limit, now: MonotonicClock.now) {
      throw .tooManyRequests(limitPerSecond: limit.perSecond, retryAfterSeconds: seconds)
    }
  }

  func caller(_ head: HTTPRequestHead) throws(APIError) -> Caller {
    guard let client = head.client, !client.isUnix else { return .local }
    guard let tokens else { return .stranger(client, hadToken: false) }
    guard tokens.isLoaded else { throw .starting }
    guard let credentials = head.headerBytes("Authorization") else { return .stranger(client, hadToken: false) }
    let token = Self.bearer(credentials).flatMap { tokens.find(TokenSecret.hash(of: $0)) }
    return token.map { .bearer($0) } ?? .stranger(client, hadToken: true)
  }

  /// Lets the request pass if `scope` is `nil`, no tokens are needed where it came from, or its token has the scope.
  func require(_ scope: TokenScope?, of caller: Caller) throws(APIError) {
    guard let scope, tokens != nil else { return }
    switch caller {
    case .local: return
    case .bearer(let token): if !token.scopes.contains(scope) { throw .scopeMissing(scope) }
    case .stranger(_, let hadToken): throw .unauthorized(hadToken: hadToken)
    }
  }

  /// The token of `Bearer mrt_…`; the scheme is in any case (RFC 9110, section 11.1).
  static func bearer(_ credentials: [UInt8]) -> ArraySlice<UInt8>? {
    let scheme = credentials.prefix { $0 != 0x20 }
    guard scheme.elementsEqual("bearer".utf8, by: { $0 | 0x20 == $1 }) else { return nil }
    let token = credentials.dropFirst(scheme.count).drop { $0 == 0x20 }
    return token.isEmpty ? nil : token
  }
}
