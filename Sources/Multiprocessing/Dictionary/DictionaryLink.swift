import CLinux
import Glibc
import Synchronization

/// A user's way to the owner of a shared dictionary: connections, each for one request at a time. One whose request was given
/// up is closed, so that a late reply never answers another request.
final class DictionaryLink: Sendable {
  let door: SharedFile
  private let idle = Mutex<[Connection]>([])

  private static let mostIdle = 8
  private static let longestWelcome = Duration.seconds(10)

  init(door: SharedFile) { self.door = door }

  /// Used by one caller at a time.
  struct Connection: @unchecked Sendable {
    // @unchecked: whoever has taken it out of the list is the only one to use it.
    let socket: FrameSocket
    let file: SharedFile
  }

  func request(_ request: DictionaryRequest) throws(ChannelError) -> DictionaryReply {
    let connection = try begin(request)
    while true {
      if let reply = try reply(on: connection) { return reply }
      _ = try Readiness.wait(for: POLLIN, of: connection.file, until: nil)
    }
  }

  func request(_ request: DictionaryRequest) async throws -> DictionaryReply {
    let connection = try begin(request)
    while true {
      if let reply = try reply(on: connection) { return reply }
      _ = try await Readiness.wait(for: POLLIN, of: connection.file, until: nil)
    }
  }

  private func begin(_ request: DictionaryRequest) throws(ChannelError) -> Connection {
    do throws(MultiprocessingError) {
      let packed = try request.encoded()
      let connection: Connection
      if let known = idle.withLock({ $0.popLast() }) { connection = known } else { connection = try connect() }
      let descriptors = packed.files.map(\.passedOn)
      // It is empty, so there is room.
      let code = connection.socket.send(packed.frame, descriptors: descriptors, waiting: false)
      switch code {
      case 0: return connection
      case EPIPE, ECONNRESET: break
      default: throw MultiprocessingError("asking the owner of a shared dictionary", code: code)
      }
    } catch {
      if error.code != EPIPE { throw .system(error) }
    }
    throw .noReceiver
  }

  /// `nil`: not there yet.
  private func reply(on connection: Connection) throws(ChannelError) -> DictionaryReply? {
    switch connection.socket.receive(waiting: false, DictionaryReply.take) {
    case .message(let reply):
      idle.withLock { if $0.count < Self.mostIdle { $0.append(connection) } }
      return reply
    case .empty: return nil
    case .closed: throw .noReceiver
    case .garbled: throw .system(MultiprocessingError("receiving a value (is a descriptor left?)", code: EMFILE))
    }
  }

  /// Makes a connection and hands the owner's end in at the door.
  private func connect() throws(MultiprocessingError) -> Connection {
    let ends = try DescriptorPair.sockets()
    let deadline = Self.longestWelcome.fromNow
    var hello: UInt8 = 1
    var theirs = ends.second.number
    while linux_send_with_fds(door.descriptor, &hello, 1, &theirs, 1, Int32(MSG_DONTWAIT)) < 0 {
      let code = errno
      if code == EINTR { continue }
      if code != EAGAIN { throw MultiprocessingError("connecting to the owner of a shared dictionary", code: code) }
      // The owner is busy with as many others as fit before its door.
      do throws(ChannelError) {
        if try Readiness.wait(for: POLLOUT, of: door, until: deadline) { continue }
      } catch {
        throw MultiprocessingError("waiting for the owner of a shared dictionary")
      }
      throw MultiprocessingError("connecting to the owner of a shared dictionary", code: ETIMEDOUT)
    }
    let file = SharedFile(ends.first)
    return Connection(socket: FrameSocket(file), file: file)
  }
}
