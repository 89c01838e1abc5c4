import Glibc

/// What a process occupies, from /proc/PID/statm (proc(5)): one short line, cheap enough to read 20 times a second.
struct MemoryStatus: Equatable {
  /// Resident pages that are not a file's or shared memory: what a leak grows.
  var anonymousBytes: UInt64
  /// Private writable memory, resident or not, with the stack: what RLIMIT_DATA limits, roughly.
  var dataBytes: UInt64

  /// Parses `size resident shared text lib data dt`, in pages.
  init?(_ text: some Collection<UInt8>, pageBytes: UInt64) {
    var fields: [UInt64] = []
    for field in text.split(separator: UInt8(ascii: " ")) {
      guard let number = UInt64(String(decoding: field.prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)) else {
        return nil
      }
      fields.append(number)
    }
    guard fields.count >= 6 else { return nil }
    anonymousBytes = (fields[1] > fields[2] ? fields[1] - fields[2] : 0) &* pageBytes
    dataBytes = fields[5] &* pageBytes
  }

  /// Reads it from a descriptor open on the file; `nil` once the process is gone.
  static func read(_ descriptor: Int32) -> MemoryStatus? {
    withUnsafeTemporaryAllocation(byteCount: 256, alignment: 1) { buffer in
      let count = pread(descriptor, buffer.baseAddress, buffer.count, 0)
      guard count > 0 else { return nil }
      return MemoryStatus(buffer[..<count], pageBytes: UInt64(sysconf(Int32(_SC_PAGESIZE))))
    }
  }

  static func ofThisProcess() -> MemoryStatus? {
    let descriptor = open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
    if descriptor < 0 { return nil }
    defer { close(descriptor) }
    return read(descriptor)
  }
}
