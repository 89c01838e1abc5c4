import EventLoop
import HTTPServer
import JobModel
import JobStore

/// Requests with an `Idempotency-Key`: those that make something remember in the same commit what for.
extension API {
  /// A request with a key, before it is known whether it came before.
  struct KeyedRequest: Sendable {
    let key: IdempotencyKey
    fileprivate let scope: String
    fileprivate let parts: [String]
    fileprivate let body: RequestFingerprint.Body
  }

  /// How long a request is remembered.
  static let rememberedFor = Duration.seconds(24 * 3600)
  /// A longer first reply is not kept, but made anew of the job as it is.
  static let keptReplyBytes = 64 * 1024
  /// Shorter bodies are digested on the event loop: that takes less than the way to another thread and back.
  private static let shortBodyBytes = 16 * 1024

  /// `nil`: the request has no key.
  func keyedRequest(_ call: Call) throws(APIError) -> KeyedRequest? {
    let head = call.head
    guard let key = try IdempotencyKey.read(head.headerList("Idempotency-Key")) else { return nil }
    let body: RequestFingerprint.Body
    switch call.exchange.body {
    case .empty: body = .bytes([])
    case .bytes(let bytes): body = .bytes(bytes)
    case .file(let file): body = .file(path: file.path)
    }
    return KeyedRequest(
      key: key, scope: try keyScope(head), parts: [head.method.name, head.target, head.header("Content-Type") ?? ""],
      body: body)
  }

  /// Whose keys a request's are: two clients that choose the same one must not meet, by chance or to read each other's
  /// replies. Without tokens all clients are one.
  private func keyScope(_ head: HTTPRequestHead) throws(APIError) -> String {
    guard case .bearer(let token) = try access.caller(head) else { return "" }
    return token.id
  }

  /// What the store remembers of the request.
  ///
  /// - Parameters:
  ///   - reply: the body it is answered with, where that is known already.
  ///   - isWaiting: the reply follows later.
  func remembered(
    _ request: KeyedRequest, reply: [UInt8]?, isWaiting: Bool
  ) async throws -> IdempotentRequest {
    IdempotentRequest(
      scope: request.scope, key: request.key.text, fingerprint: try await fingerprint(request),
      reply: reply.flatMap { $0.count <= Self.keptReplyBytes ? $0 : nil },
      handledBy: isWaiting ? dispatcher.identity.owner : nil, expiresAt: Timestamp.now.advanced(by: Self.rememberedFor))
  }

  private func fingerprint(_ request: KeyedRequest) async throws -> [UInt8] {
    if case .bytes(let bytes) = request.body, bytes.count <= Self.shortBodyBytes {
      return try RequestFingerprint.make(request.parts, request.body)
    }
    return try await context.disk.run { try RequestFingerprint.make(request.parts, request.body) }
  }

  /// The reply is on its way. The store being away for long only means that the request seems to be handled for so long.
  func endHandling(_ request: IdempotentRequest) {
    guard request.handledBy != nil else { return }
    Task {
      while true {
        do throws(StoreError) {
          try await store.endHandling(scope: request.scope, key: request.key)
          return
        } catch {
          if error.kind == .closed { return }
          log.warning("the end of a request cannot be stored yet", metadata: ["error": "\(error)"])
          await EpollLoop.shared.sleep(.seconds(1))
        }
      }
    }
  }
}
