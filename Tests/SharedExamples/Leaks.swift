import Glibc
import Multiprocessing

/// What a scenario must not leave behind.
enum Leaks {
  /// What each open descriptor is, as /proc tells it; the folder that is read is one of them. Without the timers that the
  /// runtime opens as it needs them.
  static func openDescriptors() -> [String] {
    names(in: "/proc/self/fd").compactMap { number in
      var target = [UInt8](repeating: 0, count: 256)
      let count = readlink("/proc/self/fd/\(number)", &target, target.count)
      let name = String(decoding: target.prefix(max(0, count)), as: UTF8.self)
      return name.hasSuffix("[timerfd]") ? nil : "\(number): \(name)"
    }
  }

  /// Processes below the launcher, zombies too.
  static func descendants() -> [Int32] {
    children(of: getpid()).flatMap { children(of: $0) }
  }

  private static func children(of pid: Int32) -> [Int32] {
    threads(of: pid).flatMap { thread -> [Int32] in
      guard let file = fopen("/proc/\(pid)/task/\(thread)/children", "r") else { return [] }
      defer { fclose(file) }
      var line = [CChar](repeating: 0, count: 4096)
      guard fgets(&line, Int32(line.count), file) != nil else { return [] }
      return String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        .split(separator: " ").compactMap { Int32($0) }
    }
  }

  private static func threads(of pid: Int32) -> [Int32] { names(in: "/proc/\(pid)/task").compactMap { Int32($0) } }

  private static func names(in path: String) -> [String] {
    guard let folder = opendir(path) else { return [] }
    defer { closedir(folder) }
    var names: [String] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if !name.hasPrefix(".") { names.append(name) }
    }
    return names
  }

  /// What the first wait with a limit opens and keeps: an epoll instance here, and the runtime's for its timers.
  static func warmUp() async throws {
    let (receiver, sender) = try Pipe.oneWay(of: Int.self)
    _ = try? await receiver.receive(timeout: .milliseconds(1))
    sender.close()
  }

  /// Waits a little: the last process may be about to go, and a task about to let go of its file.
  static func look(_ check: Check, descriptorsBefore before: Int) async throws {
    let end = ContinuousClock.now + .seconds(5)
    while !descendants().isEmpty || openDescriptors().count > before {
      if ContinuousClock.now > end { break }
      try await Task.sleep(for: .milliseconds(5))
    }
    check(descendants().isEmpty, "processes are left: \(descendants())")
    check(openDescriptors().count <= before, "\(before) descriptors were open, and now: \(openDescriptors())")
  }
}
