import Configuration
import JobModel

/// The line on a terminal that shows how far a job is.
struct ProgressBar {
  var width: Int
  var palette: Palette

  /// One line, narrower than `width`: `count_primes  running  [#####-----]  50%  5/10  sieving  12s`. Parts that do not fit are
  /// left out, the message first.
  func line(_ job: JobView, elapsed: Duration) -> String {
    let name = printable(job.handler, limit: 30)
    let time = DurationText.text(.seconds(elapsed.components.seconds))
    var parts = ["\(name)  \(job.state)"]
    var counts = ""
    if let progress = job.progress {
      if let total = progress.total, total > 0 {
        let share = min(max(Double(progress.completed) / Double(total), 0), 1)
        parts.append(bar(share))
        counts = "\(percent(share))  \(progress.completed)/\(total)"
      } else {
        counts = "\(progress.completed)"
      }
    }
    if !counts.isEmpty { parts.append(counts) }
    let message = printable(job.progress?.message ?? "", limit: 60)
    if !message.isEmpty { parts.append(message) }
    // The last column stays free: a terminal may wrap when it is written.
    while (parts + [time]).joined(separator: "  ").count >= width, parts.count > 1 { parts.removeLast() }
    let line = String((parts + [time]).joined(separator: "  ").prefix(width - 1))
    let head = "\(name)  "
    guard line.hasPrefix(head + job.state) else { return line }
    return head + palette.colored(job.state, state: job.state) + line.dropFirst(head.count + job.state.count)
  }

  private func bar(_ share: Double) -> String {
    let cells = min(30, max(10, width / 4))
    let full = Int(share * Double(cells))
    return "[" + String(repeating: "#", count: full) + String(repeating: "-", count: cells - full) + "]"
  }

  private func percent(_ share: Double) -> String {
    // Rounded down, so that 100 % means done.
    let text = "\(Int(share * 100))%"
    return String(repeating: " ", count: 4 - text.count) + text
  }
}
