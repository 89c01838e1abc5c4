import CLinux
import EventLoop
import Glibc

/// One call as the function in the worker sees it.
public final class WorkerCall: Sendable {
  /// As the caller gave it.
  public let header: [UInt8]
  public let argument: Payload
  /// Open files of values in the argument.
  public let files: [SharedFile]
  /// When the process is killed, on the kernel's monotonic clock (`MonotonicClock`); `nil`: it has no limit.
  public let deadlineNanoseconds: UInt64?
  private let number: UInt64
  private let progress: ProgressReporter

  init(
    number: UInt64, header: [UInt8], argument: Payload, files: [SharedFile], deadlineNanoseconds: UInt64?,
    progress: ProgressReporter
  ) {
    self.number = number
    self.header = header
    self.argument = argument
    self.files = files
    self.deadlineNanoseconds = deadlineNanoseconds
    self.progress = progress
  }

  /// Whether the caller wants the call to end. A function that computes for long looks now and then; one that does not is
  /// killed a moment later. The task is cancelled as well, as soon as it awaits something.
  public var isCancelled: Bool { linux_cancel_requested() != 0 }

  /// Wall time left until the process is killed; `nil`: no limit.
  public var timeLeft: Duration? {
    guard let deadlineNanoseconds else { return nil }
    let now = MonotonicClock.now
    return .nanoseconds(Int64(clamping: deadlineNanoseconds > now ? deadlineNanoseconds - now : 0))
  }

  /// Tells the caller how far the call is, in bytes only it understands; at most ``PoolCall/longestHeader`` of them.
  ///
  /// Cheap enough for an inner loop: the caller hears some 20 reports a second, and always the last one. Any thread.
  public func report(progress bytes: [UInt8]) { progress.report(bytes, of: number) }

  /// Adds a line to the call's output, in order with what is printed.
  public func log(_ line: String) {
    fflush(nil)
    var text = line + "\n"
    text.withUTF8 { bytes in
      var done = 0
      while done < bytes.count {
        let count = write(STDOUT_FILENO, bytes.baseAddress! + done, bytes.count - done)
        if count > 0 {
          done += count
        } else if errno != EINTR {
          // The function closed or redirected its standard output: there is no log to add to.
          return
        }
      }
    }
  }
}
