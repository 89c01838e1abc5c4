import CLinux
import Glibc

/// How many processors this process may really use.
public enum CoreCount {
  /// At least 1: the processors of its affinity mask (sched_setaffinity(2), cpusets), but no more than a container's
  /// quota of processor time is worth.
  public static func available() -> Int {
    let affinity = Int(linux_affinity_count())
    let processors = affinity > 0 ? affinity : Int(sysconf(Int32(_SC_NPROCESSORS_ONLN)))
    return limited(processors: processors, byQuota: quotaText())
  }

  /// `quota` is the text of a `cpu.max` file: `max 100000`, or microseconds of time in each period, `150000 100000`
  /// (kernel documentation, admin-guide/cgroup-v2).
  static func limited(processors: Int, byQuota quota: String?) -> Int {
    let fields = (quota ?? "").split(whereSeparator: \.isWhitespace).map { Int($0) }
    guard fields.count == 2, let time = fields[0], let period = fields[1], time > 0, period > 0 else {
      return max(1, processors)
    }
    // One and a half processors are worth two processes.
    return max(1, min(processors, (time - 1) / period + 1))
  }

  /// In a container the root of the cgroup file system is the container's own group; elsewhere the file is missing.
  private static func quotaText() -> String? {
    guard let bytes = try? FileText.read("/sys/fs/cgroup/cpu.max", limitBytes: 256) else { return nil }
    return String(decoding: bytes, as: UTF8.self)
  }
}
