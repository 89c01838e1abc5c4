import Foundation

/// The descriptors of other processes (proc_pid_fd(5)).
enum OpenDescriptors {
  static func count(_ pid: pid_t) -> Int {
    ((try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd")) ?? []).count
  }
}
