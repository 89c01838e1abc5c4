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
  private let isEncrypted: Bool
  private unowned let server: HTTPServer
  private var acceptsSinceTurn = 0
  private var isWatched = false
  private var retry: TimerToken?
  /// Whether this process may take the next connection at once, or shall give its siblings a moment first.
  private var mayTake = true

  init(_ descriptor: Int32, isEncrypted: Bool, server: HTTPServer) {
    self.descriptor = descriptor
    self.isEncrypted = isEncrypted
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

  /// How long a process that has more than its share leaves the next connections to its siblings. Longer than a sibling
  /// needs to wake up; and if none takes them, this one does.
  private static let yieldTime = Duration.milliseconds(2)

  /// One a wake-up: an idle sibling gets its share of a burst.
  private func acceptOne() {
    if !mayTake {
      // It would see the waiting connections again before a sleeping sibling does: of a burst of 64, it took up to all.
      pause()
      mayTake = true
      retry = EpollLoop.shared.schedule(after: Self.yieldTime) { [weak self] in
        self?.retry = nil
        self?.server.reopenListeners()
      }
      return
    }
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
    server.accepted(accepted, from: ClientAddress(peer), isEncrypted: isEncrypted)
    mayTake = server.mayAccept?() ?? true
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
