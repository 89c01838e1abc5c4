import CLinux
import Glibc
import Testing

@testable import Prefork

/// A folder that goes away with the test.
final class ScratchFolder {
  let path: String

  init() throws {
    var template = Array("/tmp/prefork-test-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw PreforkError.system(operation: "mkdtemp", code: errno) }
    path = String(cString: made)
  }

  deinit {
    unlink(path + "/s")
    rmdir(path)
  }
}

@Suite("listening sockets")
struct ListenSocketTests {
  private func connected(to socket: ListenSocket) -> Bool {
    var name = SocketAddress()
    guard name.fill({ getsockname(socket.fileDescriptor, $0, $1) }) == 0 else { return false }
    let client = Glibc.socket(name.family, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(client) }
    return name.withPointer { connect(client, $0, $1) } == 0
  }

  private func reason(_ address: ListenAddress) -> ListenError.Reason? {
    do throws(ListenError) {
      _ = try ListenSocket.listen(on: address)
      return nil
    } catch {
      return error.reason
    }
  }

  private func mode(_ path: String) -> mode_t {
    var status = stat()
    return lstat(path, &status) == 0 ? status.st_mode & 0o777 : 0
  }

  @Test("port 0 becomes a free port, which is told")
  func freePort() throws {
    let socket = try #require(try ListenSocket.listen(on: .tcp(host: "127.0.0.1", port: 0)).first)
    guard case .tcp("127.0.0.1", let port) = socket.address else {
      Issue.record("bound to \(socket.address)")
      return
    }
    #expect(port != 0)
    #expect(connected(to: socket))
  }

  @Test("it is non-blocking and close-on-exec")
  func flags() throws {
    let socket = try #require(try ListenSocket.listen(on: .tcp(host: "127.0.0.1", port: 0)).first)
    #expect(fcntl(socket.fileDescriptor, F_GETFL) & O_NONBLOCK != 0)
    #expect(fcntl(socket.fileDescriptor, F_GETFD) & FD_CLOEXEC != 0)
  }

  @Test("a port that somebody listens on is in use, in one line")
  func inUse() throws {
    let socket = try #require(try ListenSocket.listen(on: .tcp(host: "127.0.0.1", port: 0)).first)
    #expect(reason(socket.address) == .inUse)
    let error = ListenError(address: socket.address, reason: .inUse)
    #expect("\(error)" == "cannot listen on \(socket.address): it is in use")
  }

  @Test("a port can be bound again right after its listener closed")
  func reuse() throws {
    let address = try #require(try ListenSocket.listen(on: .tcp(host: "127.0.0.1", port: 0)).first?.address)
    #expect(reason(address) == nil)
  }

  @Test("a name is bound at each of its addresses, with one port")
  func name() throws {
    let sockets = try ListenSocket.listen(on: .tcp(host: "localhost", port: 0))
    let ports = Set(
      sockets.map { socket -> UInt16 in
        guard case .tcp(_, let port) = socket.address else { return 0 }
        return port
      })
    #expect(ports.count == 1 && !ports.contains(0))
    for socket in sockets { #expect(connected(to: socket)) }
  }

  private static let hasIPv6 = (try? ListenSocket.listen(on: .tcp(host: "::1", port: 0))) != nil

  @Test("an IPv6 address leaves the same port of IPv4 free", .enabled(if: hasIPv6))
  func v6Only() throws {
    let six = try #require(try ListenSocket.listen(on: .tcp(host: "::", port: 0)).first)
    guard case .tcp(let host, let port) = six.address else { return }
    #expect(host == "::")
    #expect(six.address.description == "[::]:\(port)")
    #expect(reason(.tcp(host: "0.0.0.0", port: port)) == nil)
  }

  @Test("an unknown host is told")
  func unknownHost() {
    guard case .unknownHost = reason(.tcp(host: "no-such-host.invalid", port: 0)) else {
      Issue.record("an unknown host was bound")
      return
    }
    #expect(reason(.tcp(host: "", port: 0)) != nil)
  }

  @Test("an address of another machine is refused by the kernel's word")
  func foreignAddress() {
    #expect(reason(.tcp(host: "192.0.2.1", port: 0)) == .system(operation: "bind", code: EADDRNOTAVAIL))
  }

  @Test("a Unix socket has its mode, serves, and its file is removed at the end")
  func unix() throws {
    let folder = try ScratchFolder()
    let address = ListenAddress.unix(path: folder.path + "/s")
    let socket = try #require(try ListenSocket.listen(on: address).first)
    #expect(mode(folder.path + "/s") == 0o660)
    #expect(connected(to: socket))
    #expect(reason(address) == .inUse)
    socket.removeFile()
    #expect(access(folder.path + "/s", F_OK) != 0)
  }

  @Test("a Unix socket's mode can be chosen")
  func unixMode() throws {
    let folder = try ScratchFolder()
    _ = try ListenSocket.listen(on: .unix(path: folder.path + "/s"), unixMode: 0o600)
    #expect(mode(folder.path + "/s") == 0o600)
  }

  @Test("a stale socket file is replaced, and its old owner no longer removes it")
  func stale() throws {
    let folder = try ScratchFolder()
    let address = ListenAddress.unix(path: folder.path + "/s")
    let file: SocketFile
    do {
      // Closed at the end of this block, and the file stays, as after a kill.
      let socket = try #require(try ListenSocket.listen(on: address).first)
      file = try #require(socket.file)
    }
    #expect(access(folder.path + "/s", F_OK) == 0)
    let second = try #require(try ListenSocket.listen(on: address).first)
    #expect(connected(to: second))
    if second.file?.inode != file.inode {
      file.remove()
      #expect(access(folder.path + "/s", F_OK) == 0)
    }
  }

  @Test("a file that is no socket is left alone")
  func notASocket() throws {
    let folder = try ScratchFolder()
    close(linux_open(folder.path + "/s", O_CREAT | O_WRONLY, 0o600))
    #expect(reason(.unix(path: folder.path + "/s")) == .notASocket)
    #expect(access(folder.path + "/s", F_OK) == 0)
  }

  @Test("paths that no Unix socket can have are refused", arguments: ["", String(repeating: "x", count: 108), "a\0b"])
  func badPath(_ path: String) {
    #expect(reason(.unix(path: path)) == .badPath)
  }

  @Test("a folder that does not exist is told")
  func noFolder() {
    let expected = ListenError.Reason.system(operation: "open its folder", code: ENOENT)
    #expect(reason(.unix(path: "/nonexistent-folder/s")) == expected)
  }
}

@Suite("listening sockets of a running master", .serialized)
struct ListenSocketLiveTests {
  @Test("a port in use ends the second server with 69")
  func portInUse() throws {
    let first = try ToyServer("acceptors=1")
    let address = try #require(try first.heard("listening").values["address"])
    let port = try #require(address.split(separator: ":").last)
    let second = try ToyServer("acceptors=1", "port=\(port)")
    #expect(try second.heard("error").values["reason"]?.contains("in_use") == true)
    #expect(try second.ended() == 69)
    first.signal(SIGTERM)
    #expect(try first.ended() == 0)
  }

  @Test("a killed server's Unix socket is replaced by the next, which removes it when it stops")
  func killedServer() throws {
    let folder = try ScratchFolder()
    let path = folder.path + "/s"
    let first = try ToyServer("acceptors=1", "unix=\(path)")
    try first.heard("ready")
    let rival = try ToyServer("acceptors=1", "unix=\(path)")
    #expect(try rival.ended() == 69)
    first.signal(SIGKILL)
    _ = try first.ended()
    #expect(access(path, F_OK) == 0)
    let second = try ToyServer("acceptors=1", "unix=\(path)")
    let acceptor = try second.heard("ready")
    try second.heardLog("acceptor is ready")
    // An acceptor's end leaves the file, and so does its attempt to remove it.
    kill(acceptor.pid, SIGKILL)
    try second.heard("ready", ["restarts": "1"])
    #expect(access(path, F_OK) == 0)
    second.signal(SIGTERM)
    #expect(try second.ended() == 0)
    #expect(access(path, F_OK) != 0)
  }
}
