import ForkSafety

extension SingleThreaded {
  /// Throws ``PreforkError/manyThreads(count:before:)`` unless this process has exactly one thread.
  ///
  /// - Parameter what: what is about to be forked, for the message.
  static func check(before what: String) throws(PreforkError) {
    let count = threadCount()
    if count != 1 { throw .manyThreads(count: count, before: what) }
  }
}
