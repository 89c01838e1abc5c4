import CLinux
import Glibc

enum CoreCount {
  /// The processors that this process may run on (sched_setaffinity(2), a container's cpuset).
  static var ofThisProcess: Int {
    let allowed = Int(linux_affinity_count())
    // More of them than the affinity call can say: what is online, then.
    return allowed > 0 ? allowed : max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN)))
  }
}
