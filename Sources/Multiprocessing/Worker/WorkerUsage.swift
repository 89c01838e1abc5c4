import Glibc

/// What a worker has used, in its life up to now or for one call.
struct WorkerUsage: Equatable {
  /// User and system time of the process and of its children that ended.
  var cpuNanoseconds: UInt64
  /// The most it had resident since the high-water mark was last reset.
  var peakResidentBytes: UInt64

  func put(into frame: inout FrameWriter) {
    frame.put(cpuNanoseconds)
    frame.put(peakResidentBytes)
  }

  static func take(from frame: inout FrameReader) -> WorkerUsage? {
    guard let cpu = frame.take(UInt64.self), let peak = frame.take(UInt64.self) else { return nil }
    return WorkerUsage(cpuNanoseconds: cpu, peakResidentBytes: peak)
  }

  init(cpuNanoseconds: UInt64, peakResidentBytes: UInt64) {
    self.cpuNanoseconds = cpuNanoseconds
    self.peakResidentBytes = peakResidentBytes
  }

  static let none = WorkerUsage(cpuNanoseconds: 0, peakResidentBytes: 0)

  /// What was used since the CPU time was `before`.
  func since(cpu before: UInt64) -> WorkerUsage {
    WorkerUsage(
      cpuNanoseconds: cpuNanoseconds > before ? cpuNanoseconds - before : 0, peakResidentBytes: peakResidentBytes)
  }

  init(_ usage: rusage) {
    cpuNanoseconds = Self.nanoseconds(usage.ru_utime) &+ Self.nanoseconds(usage.ru_stime)
    peakResidentBytes = UInt64(clamping: usage.ru_maxrss) &* 1024
  }

  /// Of this process now, without its children.
  static func ofThisProcess() -> WorkerUsage {
    var usage = rusage()
    getrusage(RUSAGE_SELF.rawValue, &usage)
    return WorkerUsage(usage)
  }

  /// User and system time of the children this process has waited for.
  static func childrenNanoseconds() -> UInt64 {
    var usage = rusage()
    getrusage(RUSAGE_CHILDREN.rawValue, &usage)
    return WorkerUsage(usage).cpuNanoseconds
  }

  private static func nanoseconds(_ time: timeval) -> UInt64 {
    UInt64(clamping: time.tv_sec) &* 1_000_000_000 &+ UInt64(clamping: time.tv_usec) &* 1000
  }
}
