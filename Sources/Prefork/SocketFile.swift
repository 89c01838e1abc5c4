// The file that a Unix socket is reached by. It outlives its listener: one that was killed leaves it behind, and then
// bind fails although nobody listens. Such a stale file is replaced; one that is alive is left alone.

import CLinux
import Glibc

/// A Unix socket's file, as this process made it.
struct SocketFile: Sendable, Equatable {
  let path: String
  /// The file's identity: another server may have put its own at the path since.
  let device: dev_t
  let inode: ino_t
  let madeIn: pid_t

  /// Binds, sets the permissions, and listens.
  static func listen(at path: String, mode: mode_t) throws(ListenError) -> ListenSocket {
    let address = ListenAddress.unix(path: path)
    var name = try socketName(path, address)
    // Two servers that start at once must not both find the file stale and remove each other's.
    let lock = try FolderLock(of: path, address)
    defer { lock.release() }
    let fileDescriptor = try ListenSocket.open(AF_UNIX, address)
    do throws(ListenError) {
      if bind(fileDescriptor, &name, mode) != 0 {
        guard errno == EADDRINUSE else { throw failure("bind", address) }
        try removeIfStale(path, &name, address)
        try ListenSocket.check(bind(fileDescriptor, &name, mode), "bind", address)
      }
      try ListenSocket.check(chmod(path, mode), "chmod", address)
      try ListenSocket.check(Glibc.listen(fileDescriptor, ListenSocket.backlog), "listen", address)
      var status = stat()
      try ListenSocket.check(lstat(path, &status), "lstat", address)
      let file = SocketFile(path: path, device: status.st_dev, inode: status.st_ino, madeIn: getpid())
      return ListenSocket(owning: fileDescriptor, address: address, file: file)
    } catch {
      close(fileDescriptor)
      throw error
    }
  }

  /// Removes the file if it is still the one that was made, and this is the process that made it.
  func remove() {
    guard getpid() == madeIn else { return }
    var status = stat()
    guard lstat(path, &status) == 0, status.st_dev == device, status.st_ino == inode else { return }
    unlink(path)
  }

  private static func socketName(_ path: String, _ address: ListenAddress) throws(ListenError) -> sockaddr_un {
    var name = sockaddr_un()
    name.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let room = MemoryLayout.size(ofValue: name.sun_path) - 1
    guard !bytes.isEmpty, bytes.count <= room, !bytes.contains(0) else {
      throw ListenError(address: address, reason: .badPath)
    }
    withUnsafeMutableBytes(of: &name.sun_path) { $0.copyBytes(from: bytes) }
    return name
  }

  /// Under a umask that lets nobody in whom `mode` does not, for the moment before chmod.
  private static func bind(_ fileDescriptor: Int32, _ name: inout sockaddr_un, _ mode: mode_t) -> Int32 {
    let before = umask(0o777 & ~mode)
    defer { umask(before) }
    return withSocketAddress(&name) { Glibc.bind(fileDescriptor, $0, $1) }
  }

  /// Nobody listens if a connection is refused (connect(2)); one that would have to wait says that somebody does.
  private static func removeIfStale(
    _ path: String, _ name: inout sockaddr_un, _ address: ListenAddress
  ) throws(ListenError) {
    var status = stat()
    try ListenSocket.check(lstat(path, &status), "lstat", address)
    guard status.st_mode & S_IFMT == S_IFSOCK else { throw ListenError(address: address, reason: .notASocket) }
    let probe = try ListenSocket.open(AF_UNIX, address)
    defer { close(probe) }
    let connected = withSocketAddress(&name) { connect(probe, $0, $1) }
    if connected == 0 || errno == EAGAIN { throw ListenError(address: address, reason: .inUse) }
    guard errno == ECONNREFUSED else { throw failure("connect", address) }
    try ListenSocket.check(unlink(path), "unlink", address)
  }

  private static func withSocketAddress(
    _ name: inout sockaddr_un, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    withUnsafePointer(to: &name) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_un>.size)) }
    }
  }

  private static func failure(_ operation: String, _ address: ListenAddress) -> ListenError {
    ListenError(address: address, reason: .system(operation: operation, code: errno))
  }
}

/// flock(2) on the folder of a path: no lock file to leave behind.
private struct FolderLock {
  private let fileDescriptor: Int32
  /// A holder needs microseconds; whoever holds it this long is not one of ours.
  private static let limit = Duration.seconds(2)
  private static let pauseMicroseconds: UInt32 = 5_000

  init(of path: String, _ address: ListenAddress) throws(ListenError) {
    let folder =
      switch path.lastIndex(of: "/") {
      case nil: "."
      case path.startIndex?: "/"
      case let slash?: String(path[..<slash])
      }
    fileDescriptor = linux_open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
    try ListenSocket.check(fileDescriptor, "open its folder", address)
    let deadline = MonotonicTime.now + Self.limit
    while flock(fileDescriptor, LOCK_EX | LOCK_NB) != 0 {
      let code = errno
      guard code == EWOULDBLOCK || code == EINTR, MonotonicTime.now < deadline else {
        close(fileDescriptor)
        throw ListenError(address: address, reason: .system(operation: "lock its folder", code: code))
      }
      usleep(Self.pauseMicroseconds)
    }
  }

  /// Closing the only descriptor of an open file description drops its lock (flock(2)).
  func release() { close(fileDescriptor) }
}
