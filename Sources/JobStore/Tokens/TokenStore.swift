import JobModel

/// Keeps the tokens of a server, beside its jobs. The verbs are as durable and as visible as those of ``JobStore``.
public protocol TokenStore: Sendable {
  /// - Throws: ``StoreError`` of kind `duplicate` where there is one of this id.
  func addToken(_ token: AccessToken) async throws(StoreError)

  /// Forgets a token. False: there is none of this id.
  func revokeToken(id: String) async throws(StoreError) -> Bool

  /// All of them, the oldest first, those that have expired too.
  func tokens() async throws(StoreError) -> [AccessToken]

  /// Another number after each change, so that what was read can be told to be stale by one cheap look.
  func tokenGeneration() async throws(StoreError) -> Int
}
