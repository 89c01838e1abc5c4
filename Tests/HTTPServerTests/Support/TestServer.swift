import CLinux
import EventLoop
import Glibc
import HTTPServer
import Testing

@LoopActor
final class TestApplication: HTTPApplication {
  let policy: @LoopActor (HTTPRequestHead) -> BodyPolicy
  let answer: @LoopActor (HTTPExchange) -> Void

  nonisolated init(
    policy: @escaping @LoopActor @Sendable (HTTPRequestHead) -> BodyPolicy,
    answer: @escaping @LoopActor @Sendable (HTTPExchange) -> Void
  ) {
    self.policy = policy
    self.answer = answer
  }

  func bodyPolicy(_ head: HTTPRequestHead) -> BodyPolicy { policy(head) }
  func handle(_ exchange: HTTPExchange) { answer(exchange) }
}

/// A server on a free port of 127.0.0.1, or on a Unix socket.
struct TestServer: Sendable {
  let server: HTTPServer
  let port: UInt16
  private let listener: Int32

  init(
    _ options: HTTPServerOptions = HTTPServerOptions(), unixPath: String? = nil,
    policy: @escaping @LoopActor @Sendable (HTTPRequestHead) -> BodyPolicy = { _ in .buffer(limitBytes: 1024) },
    answer: @escaping @LoopActor @Sendable (HTTPExchange) -> Void
  ) async throws {
    EpollLoop.startOnOwnThread()
    let (listener, port) = unixPath.map { (Self.listen(path: $0), 0) } ?? Self.listen()
    self.listener = listener
    self.port = port
    server = try await LoopActor.run {
      let server = HTTPServer(options: options, application: TestApplication(policy: policy, answer: answer))
      servers[ObjectIdentifier(server)] = server
      try server.start(listeners: [listener])
      return server
    }
  }

  private static func listen() -> (Int32, UInt16) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        precondition(bind(descriptor, $0, size) == 0, "no free port")
        getsockname(descriptor, $0, &size)
      }
    }
    precondition(Glibc.listen(descriptor, 64) == 0, "cannot listen")
    _ = linux_set_nonblocking(descriptor, 1)
    return (descriptor, UInt16(bigEndian: address.sin_port))
  }

  private static func listen(path: String) -> Int32 {
    let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue), 0)
    let bound = UnixAddress.with(path) { bind(descriptor, $0, $1) }
    precondition(bound == 0 && Glibc.listen(descriptor, 64) == 0, "cannot listen on \(path)")
    _ = linux_set_nonblocking(descriptor, 1)
    return descriptor
  }

  /// Waits until the condition holds, looking after each turn of the loop.
  func eventually(
    within limit: Duration = .seconds(30), _ condition: @LoopActor @Sendable (HTTPServer) -> Bool
  ) async -> Bool {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
      if await LoopActor.run({ condition(server) }) { return true }
      await withCheckedContinuation { continuation in
        Task { @LoopActor in
          EpollLoop.shared.schedule(after: .milliseconds(2)) { continuation.resume() }
        }
      }
    }
    return false
  }

  func stop() async {
    await LoopActor.run {
      server.close()
      server.close()
      servers[ObjectIdentifier(server)] = nil
    }
    close(listener)
  }
}

// A server is kept by whoever started it.
@LoopActor private var servers: [ObjectIdentifier: HTTPServer] = [:]

/// Runs `body` against a server, and checks that nothing of it is left afterwards.
func withServer(
  _ options: HTTPServerOptions = HTTPServerOptions(),
  policy: @escaping @LoopActor @Sendable (HTTPRequestHead) -> BodyPolicy = { _ in .buffer(limitBytes: 1024) },
  answer: @escaping @LoopActor @Sendable (HTTPExchange) -> Void,
  _ body: (TestServer) async throws -> Void
) async throws {
  let server = try await TestServer(options, policy: policy, answer: answer)
  do {
    try await body(server)
  } catch {
    await server.stop()
    throw error
  }
  await server.stop()
  let left = await LoopActor.run { (server.server.connectionCount, server.server.requestsInFlight) }
  #expect(left == (0, 0), "a closed server has no connections and no requests")
}

/// A value that a test waits for.
@LoopActor
final class Signal<Value: Sendable> {
  private(set) var value: Value?
  nonisolated init() {}
  func set(_ value: Value) { self.value = value }
}
