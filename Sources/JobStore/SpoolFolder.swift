import CLinux
import Glibc

/// The folder beside a store for inputs and results that are too large for rows. All of it blocks: keep it off the event
/// loop.
///
/// A file is durable before its job names it, and its job is gone before it is removed; what a crash leaves between the
/// two is found by ``sweep(keeping:olderThan:)``.
public struct SpoolFolder: Sendable {
  public let path: String

  /// The folder must exist; ``SQLiteJobStore/prepare(path:)`` makes it.
  public init(path: String) { self.path = path }

  /// Makes the folder, for its owner alone, unless it exists.
  public static func create(path: String) throws(StoreError) {
    if mkdir(path, 0o700) != 0 && errno != EEXIST { throw failure("create spool folder", path) }
    var status = stat()
    guard lstat(path, &status) == 0 else { throw failure("create spool folder", path) }
    guard status.st_mode & S_IFMT == S_IFDIR else {
      throw StoreError(.unusable, operation: "create spool folder", cause: "\(path) is not a folder")
    }
  }

  /// 128 random bits as 32 hexadecimal digits.
  public static func newName() -> String {
    (0..<2).map { _ in
      let digits = String(UInt64.random(in: .min ... .max), radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }

  /// Only names that ``newName()`` makes: a name from a row can never lead out of the folder.
  public static func isName(_ name: String) -> Bool {
    name.utf8.count == 32
      && name.utf8.allSatisfy { byte in
        (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
      }
  }

  public func path(of name: String) -> String {
    precondition(Self.isName(name), "spool files are named by SpoolFolder.newName()")
    return "\(path)/\(name)"
  }

  // MARK: Writing

  /// A new file's descriptor, open for reading and writing and owned by the caller, who writes it piece by piece and then
  /// calls ``makeDurable(_:)``.
  public func createFile(_ name: String) throws(StoreError) -> Int32 {
    let descriptor = linux_open(path(of: name), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    if descriptor < 0 { throw Self.failure("create spool file", name) }
    return descriptor
  }

  /// When it returns, the file's bytes and its name survive power loss.
  public func makeDurable(_ descriptor: Int32) throws(StoreError) {
    if fsync(descriptor) != 0 { throw Self.failure("sync spool file", path) }
    // The name stands in the folder, which is synced on its own (fsync(2)).
    let folder = linux_open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
    if folder < 0 { throw Self.failure("open spool folder", path) }
    defer { close(folder) }
    if fsync(folder) != 0 { throw Self.failure("sync spool folder", path) }
  }

  /// Writes a new file durably; gives back its name.
  public func write(_ bytes: [UInt8]) throws(StoreError) -> String {
    try newFile { descriptor throws(StoreError) in
      try Self.writeAll(bytes, to: descriptor)
    }
  }

  /// Copies what `source` holds from its start to its end into a new file, durably; gives back its name.
  public func copy(from source: Int32) throws(StoreError) -> String {
    try newFile { descriptor throws(StoreError) in
      var offset: off_t = 0
      while true {
        // The kernel copies, or shares the blocks where the file system can (sendfile(2)).
        let count = sendfile(descriptor, source, &offset, 1 << 30)
        if count == 0 { return }
        if count < 0 && errno != EINTR { throw Self.failure("copy to spool file", path) }
      }
    }
  }

  // MARK: Reading and removing

  /// A descriptor open for reading, owned by the caller.
  public func openFile(_ name: String) throws(StoreError) -> Int32 {
    // From a row: a damaged one must fail its own job, and not end the process.
    guard Self.isName(name) else {
      throw StoreError(.unusable, operation: "open spool file", cause: "the row names no spool file")
    }
    let descriptor = linux_open(path(of: name), O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0)
    if descriptor < 0 { throw Self.failure("open spool file", name) }
    return descriptor
  }

  /// Removes a file; one that is gone already is no error.
  public func remove(_ name: String) throws(StoreError) {
    guard Self.isName(name) else { return }
    if unlink(path(of: name)) != 0 && errno != ENOENT { throw Self.failure("remove spool file", name) }
  }

  /// Removes the files that no job refers to: those not in `names` that were last written longer ago than `age`, so that
  /// one whose job is only now being submitted stays. Take `names` from the store first. Gives back how many.
  public func sweep(keeping names: Set<String>, olderThan age: Duration) throws(StoreError) -> Int {
    guard let folder = opendir(path) else { throw Self.failure("open spool folder", path) }
    defer { closedir(folder) }
    let latest = time(nil) - Int(clamping: age.components.seconds)
    var removed = 0
    while let entry = readdir(folder) {
      let name = withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) { String(cString: $0) }
      }
      guard Self.isName(name), !names.contains(name) else { continue }
      var status = stat()
      guard lstat(path(of: name), &status) == 0, status.st_mtim.tv_sec <= latest else { continue }
      try remove(name)
      removed += 1
    }
    return removed
  }

  // MARK: -

  private func newFile(_ fill: (Int32) throws(StoreError) -> Void) throws(StoreError) -> String {
    let name = Self.newName()
    let descriptor = try createFile(name)
    defer { close(descriptor) }
    do {
      try fill(descriptor)
      try makeDurable(descriptor)
    } catch {
      try remove(name)
      throw error
    }
    return name
  }

  private static func writeAll(_ bytes: [UInt8], to descriptor: Int32) throws(StoreError) {
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        Glibc.write(descriptor, buffer.baseAddress?.advanced(by: written), buffer.count - written)
      }
      if count < 0 && errno != EINTR { throw failure("write spool file", "\(bytes.count) bytes") }
      written += max(count, 0)
    }
  }

  private static func failure(_ operation: String, _ what: String) -> StoreError {
    StoreError(.unavailable, operation: operation, cause: "\(what): \(errnoText())")
  }
}
