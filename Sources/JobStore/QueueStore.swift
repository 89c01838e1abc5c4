// Queues, the keys that limit how many jobs run at once, and places in line.
//
// A queue is there as soon as somebody names it; all that is kept of it is whether it is paused. The jobs of a key that has
// all the jobs running that it may are held out of the line until one of these ends, so that a claim never looks at them.

import JobModel

/// The part of a store that knows of queues.
public protocol QueueStore: Sendable {
  /// Stops claims from a queue, or lets them go on. Pausing twice is pausing once.
  func setPaused(_ isPaused: Bool, queue: String, now: Timestamp) async throws(StoreError) -> PauseDecision

  /// The queues that are paused, at most ``pausedQueueLimit``.
  func pausedQueues() async throws(StoreError) -> Set<String>

  /// All queues that are paused or have jobs which have not ended, and the one named `default`, by name.
  func queues() async throws(StoreError) -> [QueueStatus]

  /// One queue; a name that nobody has used is an empty one.
  func queue(_ name: String) async throws(StoreError) -> QueueStatus

  /// Lets jobs back into the line that are held though their key has room: after its limit was raised, as everything else
  /// that makes room does so by itself. Gives back the executors they wait for.
  func releaseHeld() async throws(StoreError) -> Set<Executor>

  /// What a waiting job waits for, and its place there. Looks at no more than `limit` jobs. `nil` if there is no such job,
  /// or it does not wait in line.
  func placeInLine(_ id: JobID, limit: Int) async throws(StoreError) -> PlaceInLine?
}

extension QueueStore {
  /// What a store keeps of queues is little, but not nothing.
  public static var pausedQueueLimit: Int { 1000 }
}

public enum PauseDecision: Sendable, Equatable {
  case done(QueueStatus)
  /// Too many queues are paused already.
  case tooMany
}

public struct QueueStatus: Sendable, Equatable {
  public var name: String
  public var isPaused: Bool
  /// Jobs in line.
  public var queued: Int
  /// Jobs that wait for their time.
  public var scheduled: Int
  public var running: Int
  /// Since when the first of those in line waits.
  public var oldestQueuedAt: Timestamp?

  public init(
    name: String, isPaused: Bool = false, queued: Int = 0, scheduled: Int = 0, running: Int = 0,
    oldestQueuedAt: Timestamp? = nil
  ) {
    self.name = name
    self.isPaused = isPaused
    self.queued = queued
    self.scheduled = scheduled
    self.running = running
    self.oldestQueuedAt = oldestQueuedAt
  }
}

/// Where a waiting job stands.
public struct PlaceInLine: Sendable, Equatable {
  public enum Obstacle: Sendable, Equatable {
    case queuePaused
    /// So many jobs with its key run, and no more may.
    case keyLimit(Int)
    /// Jobs ahead of it, or no free place to run.
    case noFreeWorker
  }
  public var obstacle: Obstacle
  /// Jobs that go before it: in the line of its executor, in its paused queue, or among those with its key; `nil`: more
  /// than were looked at.
  public var ahead: Int?

  public init(obstacle: Obstacle, ahead: Int?) {
    self.obstacle = obstacle
    self.ahead = ahead
  }
}

/// How many jobs with the same `concurrencyKey` may run at once, by handler.
public struct KeyLimits: Sendable, Equatable {
  private let byHandler: [String: Int]
  private let others: Int

  /// 0 stands for no limit.
  ///
  /// - Parameter others: of the handlers that are not named.
  public init(_ byHandler: [String: Int] = [:], others: Int = 0) {
    self.byHandler = byHandler
    self.others = others
  }

  /// `nil`: no limit.
  public subscript(handler: String) -> Int? {
    let limit = byHandler[handler] ?? others
    return limit > 0 ? limit : nil
  }
}
