/// What a call may take.
///
/// ```swift
/// try await pool.run(render, page, limits: CallLimits(timeout: .seconds(10), memoryBytes: 512 << 20))
/// try await pool.run(render, page, limits: .timeout(.seconds(10)))
/// ```
public struct CallLimits: Sendable, Equatable {
  /// Wall time from the moment a worker has the call. Then its process is killed; a thread or task cannot be: its call ends,
  /// it is told (``CurrentCall/isCancelled``), and is in use until it listens.
  public var timeout: Duration?
  /// Memory beyond what the worker was born with. ``ProcessPool`` only.
  public var memoryBytes: UInt64?
  /// User and system time of all threads of the worker. ``ProcessPool`` only.
  public var cpuTime: Duration?

  /// `nil`: no limit.
  public init(timeout: Duration? = nil, memoryBytes: UInt64? = nil, cpuTime: Duration? = nil) {
    self.timeout = timeout
    self.memoryBytes = memoryBytes
    self.cpuTime = cpuTime
  }

  /// No limits.
  public static let none = CallLimits()
  /// A limit of wall time only.
  public static func timeout(_ time: Duration) -> CallLimits { CallLimits(timeout: time) }
}
