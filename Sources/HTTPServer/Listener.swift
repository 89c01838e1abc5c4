import CLinux
import EventLoop
import Glibc

/// Accepts from one listening socket that sibling processes accept from too.
@LoopActor
final class Listener {
  /// After so many accepts the socket is taken out of the epoll set and put back: the kernel wakes the process that was
  /// added last first, so one would get most of the connections. nginx does the same (ngx_reorder_accept_events).
  private static let acceptsBetweenTurns = 16

  private let descriptor: Int32
  private unowned let server: HTTPServer
  private var acceptsSinceTurn = 0
  private var isWatched = false
  private var retry: TimerToken?

  init(_ descriptor: Int32, server: HTTPServer) {
    self.descriptor = descriptor
    self.server = server
  }

  /// Has connections accepted from now on.
  func open() {
    guard !isWatched else { return }
    isWatched = true
    EpollLoop.shared.watch(descriptor, for: [.readable, .exclusive]) { [weak self] _ in self?.acceptOne() }
  }

  func pause() {
    if let retry { EpollLoop.shared.cancel(retry) }
    retry = nil
    guard isWatched else { return }
    isWatched = false
    EpollLoop.shared.unwatch(descriptor)
  }

  /// One a wake-up: an idle sibling gets its share of a burst.
  private func acceptOne() {
    var peer = sockaddr_storage()
    var size = UInt32(MemoryLayout<sockaddr_storage>.size)
    let accepted = linux_accept_nonblocking(descriptor, &peer, &size)
    guard accepted >= 0 else { return acceptFailed(errno) }
    acceptsSinceTurn += 1
    if acceptsSinceTurn == Self.acceptsBetweenTurns {
      acceptsSinceTurn = 0
      pause()
      open()
    }
    server.accepted(accepted, from: ClientAddress(peer))
  }

  private func acceptFailed(_ error: Int32) {
    switch error {
    case EMFILE, ENFILE, ENOBUFS, ENOMEM:
      // The connection stays in the queue and would wake us again at once.
      pause()
      retry = EpollLoop.shared.schedule(after: .milliseconds(100)) { [weak self] in
        self?.retry = nil
        self?.server.reopenListeners()
      }
    default: break  // A sibling was faster (EAGAIN), or the client has left again (accept(2)).
    }
  }
}
