/// One value that several processes read and write, with its lock: Python's `Value`.
///
/// ```swift
/// let counter = try SharedValue(0)
/// let children = try (0..<2).map { _ in try ChildProcess(Functions.count, counter) }
/// for child in children { try child.join() }
/// print(counter.value)
///
/// // In the children:
/// for _ in 0..<1_000_000 { counter.withLock { $0 += 1 } }
/// ```
///
/// `counter.value += 1` reads and writes under the lock, but lets go of it in between: use ``withLock(_:)`` for a change that
/// depends on the value before.
///
/// The value must be plain bits (numbers, and structs and tuples of them): a pointer means nothing in another process.
public final class SharedValue<Value: BitwiseCopyable & Sendable>: Sendable {
  /// Guards the value; may be taken around several accesses. Python's `get_lock()`.
  ///
  /// ```swift
  /// counter.lock.withLock {
  ///   if counter.value < limit { counter.value += 1 }
  /// }
  /// ```
  public let lock: SharedLock
  private let cell: SharedElements<Value>

  public init(_ value: Value) throws(MultiprocessingError) {
    cell = try SharedElements(.value, count: 1)
    lock = try SharedLock(makingIn: cell.region, isRecursive: true)
    cell[0] = value
  }

  /// Maps a value that another process made.
  init(_ file: SharedFile) throws(MultiprocessingError) {
    cell = try SharedElements(.value, file)
    lock = SharedLock(in: cell.region)
  }

  var file: SharedFile { cell.region.file }

  /// The value; each access takes the lock.
  public var value: Value {
    get { lock.withLock { cell[0] } }
    set { lock.withLock { cell[0] = newValue } }
  }

  /// Changes the value while no other process can see or change it.
  ///
  /// `body` works on a copy that is put back at its end, also if it throws: a process that is killed while it runs leaves the
  /// value as it was.
  public func withLock<Result, Failure: Error>(
    _ body: (inout Value) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try lock.withLock { () throws(Failure) -> Result in
      var value = cell[0]
      defer { cell[0] = value }
      return try body(&value)
    }
  }
}
