import EventLoop
import Glibc
import JobModel

extension Timestamp {
  /// The present moment, by the system's clock.
  static var now: Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
  }
}

extension EpollLoop {
  /// Waits on the loop without holding it up.
  @LoopActor
  func sleep(_ duration: Duration) async {
    await withCheckedContinuation { continuation in
      schedule(after: duration) { continuation.resume() }
    }
  }
}
