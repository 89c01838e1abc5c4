import EventLoop
import JobModel
import JobStore
import Logging

/// The tokens as this acceptor knows them: a table in memory, so that a request costs one hash and one look. Another
/// process makes and revokes tokens; the store's generation, asked for every ``interval``, tells when to read them anew.
@LoopActor
final class TokenBook {
  /// With a read that follows, a change is known everywhere within a second.
  static let interval = Duration.milliseconds(400)

  private let store: any TokenStore
  private let log: Logger
  /// By the first word of their hashes, which for different tokens is as good as never the same.
  private var tokens: [UInt64: [AccessToken]] = [:]
  /// Of the store, when it was last read; `nil`: it never was.
  private var generation: Int?

  init(store: any TokenStore, log: Logger) {
    self.store = store
    self.log = log
  }

  /// Before this nobody can be told from anybody else.
  var isLoaded: Bool { generation != nil }

  /// The token that hashes to this and holds. Compared whole, and in constant time, where the first word fits.
  func find(_ hash: TokenHash, now: Timestamp = .now) -> AccessToken? {
    guard let token = tokens[hash.firstWord]?.first(where: { $0.hash == hash }), token.holds(at: now) else {
      return nil
    }
    return token
  }

  /// Reads the tokens if they have changed. Where the store does not answer, those that are known stay.
  func refresh() async {
    do {
      // Asked for before the tokens are read: what is added between the two is read once more, not missed.
      let newest = try await store.tokenGeneration()
      if newest == generation { return }
      tokens = Dictionary(grouping: try await store.tokens(), by: \.hash.firstWord)
      generation = newest
    } catch {
      log.warning("the tokens cannot be read", metadata: ["error": "\(error)"])
    }
  }

  /// Looks again and again, as long as the process lives.
  func keepFresh() {
    EpollLoop.shared.schedule(after: Self.interval) {
      Task {
        await self.refresh()
        self.keepFresh()
      }
    }
  }
}
