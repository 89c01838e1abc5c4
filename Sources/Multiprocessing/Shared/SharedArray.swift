/// Elements of one type, as many as it was made with, that several processes read and write, with their lock: Python's `Array`.
///
/// ```swift
/// let squares = try SharedArray(repeating: 0, count: 10)
/// try ChildProcess(Functions.fillSquares, squares).join()
/// print(squares.elements)
///
/// // In the child:
/// squares.withLock { elements in
///   for index in elements.indices { elements[index] = index * index }
/// }
/// ```
///
/// An index outside the array stops the process, as one of Swift's own arrays does. Elements must be plain bits, as those of
/// ``SharedValue``.
public final class SharedArray<Element: BitwiseCopyable & Sendable>: Sendable {
  /// Guards the elements; may be taken around several accesses. Python's `get_lock()`.
  public let lock: SharedLock
  private let cells: SharedElements<Element>

  public init(_ elements: some Collection<Element>) throws(MultiprocessingError) {
    cells = try SharedElements(.array, count: elements.count)
    lock = try SharedLock(makingIn: cells.region, isRecursive: true)
    _ = cells.all.initialize(from: elements)
  }

  public convenience init(repeating element: Element, count: Int) throws(MultiprocessingError) {
    precondition(count >= 0, "an array has no negative number of elements")
    try self.init(repeatElement(element, count: count))
  }

  /// Maps an array that another process made.
  init(_ file: SharedFile) throws(MultiprocessingError) {
    cells = try SharedElements(.array, file)
    lock = SharedLock(in: cells.region)
  }

  var file: SharedFile { cells.region.file }

  public var count: Int { cells.count }
  public var indices: Range<Int> { 0..<count }

  /// One element; each access takes the lock.
  public subscript(index: Int) -> Element {
    get { lock.withLock { cells[index] } }
    set { lock.withLock { cells[index] = newValue } }
  }

  /// A copy of all elements, taken at one moment. Python's `array[:]`.
  public var elements: [Element] { lock.withLock { Array(cells.all) } }

  /// Reads and changes elements in place while no other process can.
  ///
  /// A process that is killed in `body` leaves the elements as far as it got; `SharedLock.withLock` of ``lock`` tells the
  /// next one.
  public func withLock<Result, Failure: Error>(
    _ body: (inout MutableSpan<Element>) throws(Failure) -> Result
  ) throws(Failure) -> Result {
    try lock.withLock { () throws(Failure) -> Result in
      var span = cells.all.mutableSpan
      return try body(&span)
    }
  }
}
