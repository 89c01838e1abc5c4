import Foundation
import Glibc

/// What /proc says of processes (proc(5)).
enum ProcessTable {
  struct Entry: CustomStringConvertible {
    let pid: pid_t
    let parent: pid_t
    let group: pid_t
    let command: String
    let state: Character
    var description: String { "\(pid) \(command) (\(state), child of \(parent))" }
  }

  /// Every process but those that have ended and wait for their parent: the first process of a container may never look.
  static func living() -> [Entry] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { pid_t($0) }.compactMap(entry).filter { $0.state != "Z" && $0.state != "X" }
  }

  static func entry(_ pid: pid_t) -> Entry? {
    guard let text = contents("/proc/\(pid)/stat"), let open = text.firstIndex(of: "("),
      let close = text.lastIndex(of: ")")
    else { return nil }
    // After the command, which may itself contain blanks and brackets: state, parent, group …
    let words = text[text.index(after: close)...].split(separator: " ")
    guard words.count > 2, let state = words[0].first, let parent = pid_t(words[1]), let group = pid_t(words[2])
    else { return nil }
    let command = String(text[text.index(after: open)..<close])
    return Entry(pid: pid, parent: parent, group: group, command: command, state: state)
  }

  static func isAlive(_ pid: pid_t) -> Bool { entry(pid).map { $0.state != "Z" && $0.state != "X" } ?? false }

  /// The processes of a group, and those elsewhere whose environment has the marker.
  static func living(group: pid_t, marker: String) -> [Entry] {
    living().filter { $0.group == group || contents("/proc/\($0.pid)/environ")?.contains(marker) ?? false }
  }

  /// The largest resident set that a process ever had (`VmHWM`).
  static func peakResidentBytes(_ pid: pid_t) -> Int? { statusBytes(pid, "VmHWM:") }
  static func residentBytes(_ pid: pid_t) -> Int? { statusBytes(pid, "VmRSS:") }

  private static func statusBytes(_ pid: pid_t, _ name: String) -> Int? {
    // `VmRSS:      9216 kB`
    let line = contents("/proc/\(pid)/status")?.split(separator: "\n").first { $0.hasPrefix(name) }
    let words = line?.split { $0 == " " || $0 == "\t" } ?? []
    return words.count == 3 ? Int(words[1]).map { $0 * 1024 } : nil
  }

  private static func contents(_ path: String) -> String? {
    guard let file = fopen(path, "re") else { return nil }
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var piece = [UInt8](repeating: 0, count: 16 * 1024)
    while case let count = fread(&piece, 1, piece.count, file), count > 0 { bytes += piece[..<count] }
    return String(decoding: bytes, as: UTF8.self)
  }
}
