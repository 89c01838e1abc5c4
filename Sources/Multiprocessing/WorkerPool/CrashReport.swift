import CLinux
import EventLoop
import Glibc

/// What a crashing worker still has to say: its backtrace, read from the pipe it sent along, up to a bound.
@LoopActor
final class CrashReport {
  let signal: Int32
  /// At the moment of the crash, before a backtracer used anything.
  let usage: WorkerUsage
  private let pipe: SharedFile?
  private var text: [UInt8] = []
  private var isWatched = false

  static let longestText = 64 * 1024

  init(signal: Int32, usage: WorkerUsage, pipe: SharedFile?) {
    self.signal = signal
    self.usage = usage
    self.pipe = pipe
    guard let pipe, linux_set_nonblocking(pipe.descriptor, 1) == 0 else { return }
    isWatched = true
    EpollLoop.shared.watch(pipe.descriptor, for: .readable) { [weak self] _ in self?.read() }
  }

  /// Reads what is there; the rest of what does not fit is read too, and dropped, so that its writer does not wait.
  func read() {
    guard let pipe, isWatched else { return }
    withUnsafeTemporaryAllocation(byteCount: 16 * 1024, alignment: 16) { buffer in
      for _ in 0..<16 {
        let count = Glibc.read(pipe.descriptor, buffer.baseAddress, buffer.count)
        if count < 0 && errno == EINTR { continue }
        if count == 0 { close() }
        if count <= 0 { return }
        text.append(contentsOf: buffer[..<min(count, Self.longestText - text.count)])
      }
    }
  }

  func close() {
    guard let pipe, isWatched else { return }
    EpollLoop.shared.unwatch(pipe.descriptor)
    isWatched = false
  }

  /// The text, after the last words found in `outputTail`; `nil`: neither is there.
  static func text(of report: CrashReport?, outputTail: [UInt8]) -> String? {
    let lines = String(decoding: outputTail, as: UTF8.self).split(separator: "\n", omittingEmptySubsequences: false)
    // Where the backtracer is switched off, the runtime's own list of frames follows that line.
    let lastWords = lines.lastIndex { $0.contains("Fatal error") }.map { lines[$0...].joined(separator: "\n") } ?? ""
    let text = lastWords + (report.map { String(decoding: $0.text, as: UTF8.self) } ?? "")
    return text.isEmpty ? nil : text
  }
}
