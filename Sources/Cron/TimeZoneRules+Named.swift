import CLinux
import Glibc

extension TimeZoneRules {
  /// The rules of a zone by its IANA name, such as `Europe/Paris`, from the system's tz database: `/usr/share/zoneinfo`, or
  /// the folder that TZDIR names (tzset(3)). `UTC` needs none. Reads one file of some kilobytes; nothing is kept, so that
  /// new rules hold as soon as the system has them.
  public static func named(_ name: String) throws(CronError) -> TimeZoneRules {
    if name == "UTC" || name == "Etc/UTC" { return utc }
    guard isName(name) else { throw CronError("is not the name of a time zone, such as Europe/Paris") }
    let folder = getenv("TZDIR").map { String(cString: $0) } ?? "/usr/share/zoneinfo"
    guard access(folder, X_OK) == 0 else {
      throw CronError("must be UTC: this system has no time zones (Debian's package tzdata has them)")
    }
    guard let bytes = read(folder + "/" + name), let rules = TZifFile.rules(bytes) else {
      throw CronError("is not a time zone that this system knows")
    }
    return rules
  }

  /// Steps of letters, digits and `+-_`, which can lead nowhere else than below the folder.
  private static func isName(_ name: String) -> Bool {
    guard (1...64).contains(name.utf8.count) else { return false }
    return name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).allSatisfy { step in
      !step.isEmpty
        && step.allSatisfy { byte in
          switch byte {
          case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
          default: false
          }
        }
    }
  }

  /// The largest in use is below 4 KiB.
  private static let limitBytes = 64 * 1024

  private static func read(_ path: String) -> [UInt8]? {
    let descriptor = linux_open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= limitBytes else {
      return nil
    }
    var bytes = [UInt8](repeating: 0, count: limitBytes)
    var count = 0
    while count < bytes.count {
      let piece = bytes.withUnsafeMutableBytes { buffer in
        Glibc.read(descriptor, buffer.baseAddress?.advanced(by: count), buffer.count - count)
      }
      if piece == 0 { return Array(bytes[..<count]) }
      if piece < 0, errno != EINTR { return nil }
      count += max(piece, 0)
    }
    return nil
  }
}
