import Glibc
import Multiprocessing

/// What a scenario must not leave behind.
enum Leaks {
  static func openDescriptors() -> Int {
    guard let folder = opendir("/proc/self/fd") else { return -1 }
    defer { closedir(folder) }
    var count = 0
    while readdir(folder) != nil { count += 1 }
    return count
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

  private static func threads(of pid: Int32) -> [Int32] {
    guard let folder = opendir("/proc/\(pid)/task") else { return [] }
    defer { closedir(folder) }
    var threads: [Int32] = []
    while let entry = readdir(folder) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if let thread = Int32(name) { threads.append(thread) }
    }
    return threads
  }

  /// Waits a little: the last process may be about to go, and a task about to let go of its file.
  static func look(_ check: Check, descriptorsBefore: Int) async throws {
    // The thread that waits for descriptors has an epoll instance, once it was needed.
    let allowed = descriptorsBefore + 1
    let end = ContinuousClock.now + .seconds(5)
    while !descendants().isEmpty || openDescriptors() > allowed {
      if ContinuousClock.now > end { break }
      try await Task.sleep(for: .milliseconds(5))
    }
    check(descendants().isEmpty, "processes are left: \(descendants())")
    check(openDescriptors() <= allowed, "\(openDescriptors()) descriptors are open, \(descriptorsBefore) were")
  }
}
