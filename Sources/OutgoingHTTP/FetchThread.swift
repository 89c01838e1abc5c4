// The thread that runs all fetches: libcurl's multi handle, driven by an epoll set (curl_multi_socket_action(3)), so that
// what a waiting transfer costs does not depend on how many others wait.

import CCurl
import CLinux
import Glibc

/// Everything here but `init` runs on the fetch thread.
final class FetchThread {
  private let loop: FetchLoop
  private let wakeFD: Int32
  private let epollFD: Int32
  private let multi: UnsafeMutableRawPointer
  private let memory = FetchMemory()

  private struct Waiting {
    let request: FetchRequest
    let progress: FetchProgress
    let continuation: CheckedContinuation<FetchResponse, any Error>
  }
  private struct Running {
    let transfer: FetchTransfer
    let continuation: CheckedContinuation<FetchResponse, any Error>
  }

  /// In the order they came; those cancelled meanwhile are no longer in `waiting`.
  private var line: [FetchTicket] = []
  private var lineStart = 0
  private var waiting: [FetchTicket: Waiting] = [:]
  private var running: [FetchTicket: Running] = [:]
  /// Of the running: those that still ask for their host's address.
  private var resolving: Set<FetchTicket> = []
  /// When libcurl wants to be called next, in milliseconds of the monotonic clock.
  private var dueAt: Int?

  /// Half of the descriptors this process may have: the rest is for whoever else needs some.
  private let runningLimit: Int
  /// The system's resolver blocks, so libcurl starts a thread for each host name it looks up.
  private static let resolvingLimit = 64
  /// Idle connections kept for the next fetch from the same host.
  private static let idleConnectionLimit = 64
  /// Nothing is due then; a limit all the same, as every wait has one.
  private static let longestWaitMilliseconds = 60_000

  init(loop: FetchLoop, wakeFD: Int32) throws(FetchError) {
    guard let multi = curl_multi_init() else { throw FetchError("libcurl has no memory to fetch with") }
    self.multi = multi
    self.loop = loop
    self.wakeFD = wakeFD
    var limit = rlimit()
    getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    runningLimit = min(10_000, max(16, Int(clamping: limit.rlim_cur) / 2))
    epollFD = epoll_create1(Int32(EPOLL_CLOEXEC))
    guard epollFD >= 0, watch(wakeFD, EPOLLIN.rawValue) else {
      throw FetchError("no descriptor is left to fetch with (errno \(errno))")
    }
    guard setCallbacks() else { throw FetchError("libcurl does not take the options of its event loop") }
  }

  /// Only a thread that never started comes to its end.
  deinit {
    curl_multi_cleanup(multi)
    if epollFD >= 0 { close(epollFD) }
  }

  private func setCallbacks() -> Bool {
    let context = Unmanaged.passUnretained(self).toOpaque()
    let codes = [
      curl_multi_set_pointer(multi, CURLMOPT_SOCKETDATA, context),
      curl_multi_set_pointer(multi, CURLMOPT_TIMERDATA, context),
      curl_multi_set_socket_callback(multi) { _, socket, what, context, _ in
        FetchThread.from(context).watchSocket(socket, what)
        return 0
      },
      curl_multi_set_timer_callback(multi) { _, milliseconds, context in
        FetchThread.from(context).schedule(milliseconds)
        return 0
      },
      curl_multi_set_long(multi, CURLMOPT_MAXCONNECTS, Self.idleConnectionLimit),
    ]
    return codes.allSatisfy { $0 == CURLM_OK }
  }

  private static func from(_ context: UnsafeMutableRawPointer?) -> FetchThread {
    guard let context else { preconditionFailure("libcurl lost the fetch thread's context") }
    return Unmanaged<FetchThread>.fromOpaque(context).takeUnretainedValue()
  }

  // MARK: - The loop

  func run() -> Never {
    let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: 256)
    while true {
      let count = epoll_wait(epollFD, events, 256, waitMilliseconds())
      precondition(count >= 0 || errno == EINTR, "epoll_wait failed with errno \(errno)")
      for index in 0..<Int(max(0, count)) where events[index].data.fd != wakeFD {
        act(on: events[index].data.fd, events[index].events)
      }
      if let due = dueAt, due <= Self.monotonicMilliseconds {
        dueAt = nil
        act(on: Self.timeoutSocket, 0)
      }
      loop.takeCommands().forEach(obey)
      finishDone()
      admit()
    }
  }

  private func waitMilliseconds() -> Int32 {
    let left = dueAt.map { max(0, $0 - Self.monotonicMilliseconds) } ?? Self.longestWaitMilliseconds
    return Int32(min(left, Self.longestWaitMilliseconds))
  }

  /// CURL_SOCKET_TIMEOUT, a macro with a cast.
  private static let timeoutSocket: curl_socket_t = -1

  private func act(on socket: curl_socket_t, _ events: UInt32) {
    var what: Int32 = 0
    if events & EPOLLIN.rawValue != 0 { what |= CURL_CSELECT_IN }
    if events & EPOLLOUT.rawValue != 0 { what |= CURL_CSELECT_OUT }
    if events & (EPOLLERR.rawValue | EPOLLHUP.rawValue) != 0 { what |= CURL_CSELECT_ERR }
    var unfinished: Int32 = 0
    let code = curl_multi_socket_action(multi, socket, what, &unfinished)
    precondition(code == CURLM_OK, "libcurl's event loop is broken: \(String(cString: curl_multi_strerror(code)))")
  }

  private func obey(_ command: FetchLoop.Command) {
    switch command {
    case .start(let ticket, let request, let progress, let continuation):
      line.append(ticket)
      waiting[ticket] = Waiting(request: request, progress: progress, continuation: continuation)
    case .cancel(let ticket):
      if let cancelled = waiting.removeValue(forKey: ticket) {
        cancelled.continuation.resume(throwing: CancellationError())
      } else if let cancelled = remove(ticket) {
        cancelled.continuation.resume(throwing: CancellationError())
      }
    }
  }

  // MARK: - Transfers

  /// Starts whatever there is room for.
  private func admit() {
    resolving = resolving.filter { running[$0]?.transfer.isResolved == false }
    while lineStart < line.count, running.count < runningLimit, resolving.count < Self.resolvingLimit {
      let ticket = line[lineStart]
      lineStart += 1
      if let next = waiting.removeValue(forKey: ticket) { start(ticket, next) }
    }
    if lineStart == line.count || lineStart > 1024 {
      line.removeFirst(lineStart)
      lineStart = 0
    }
  }

  private func start(_ ticket: FetchTicket, _ next: Waiting) {
    do throws(FetchError) {
      let transfer = try FetchTransfer(next.request, ticket: ticket, memory: memory, progress: next.progress)
      let code = curl_multi_add_handle(multi, transfer.easy)
      guard code == CURLM_OK else {
        throw FetchError("libcurl does not begin: \(String(cString: curl_multi_strerror(code)))")
      }
      running[ticket] = Running(transfer: transfer, continuation: next.continuation)
      resolving.insert(ticket)
    } catch {
      next.continuation.resume(throwing: error)
    }
  }

  private func finishDone() {
    var left: Int32 = 0
    while let message = curl_multi_info_read(multi, &left) {
      guard message.pointee.msg == CURLMSG_DONE else { continue }
      // The message is gone once its handle is removed.
      let code = message.pointee.data.result
      var context: UnsafeMutableRawPointer?
      curl_get_pointer(message.pointee.easy_handle, CURLINFO_PRIVATE, &context)
      let transfer = FetchTransfer.from(context)
      let outcome = transfer.outcome(code)
      guard let ended = remove(transfer.ticket) else { preconditionFailure("a transfer ended that never ran") }
      ended.continuation.resume(with: outcome.mapError { $0 })
    }
  }

  /// Takes a transfer out of libcurl's hands, which closes its connection unless it may be used again.
  private func remove(_ ticket: FetchTicket) -> Running? {
    guard let ended = running.removeValue(forKey: ticket) else { return nil }
    resolving.remove(ticket)
    curl_multi_remove_handle(multi, ended.transfer.easy)
    return ended
  }

  // MARK: - What libcurl asks for

  /// Called inside libcurl's functions, so it may call none of them.
  private func watchSocket(_ socket: curl_socket_t, _ what: Int32) {
    switch what {
    case CURL_POLL_IN: watch(socket, EPOLLIN.rawValue)
    case CURL_POLL_OUT: watch(socket, EPOLLOUT.rawValue)
    case CURL_POLL_INOUT: watch(socket, EPOLLIN.rawValue | EPOLLOUT.rawValue)
    default:
      var event = epoll_event()
      // Closed already where it fails, and the kernel then dropped it from the set itself.
      _ = epoll_ctl(epollFD, EPOLL_CTL_DEL, socket, &event)
    }
  }

  /// A transfer whose socket cannot be watched ends by its time limit.
  @discardableResult
  private func watch(_ socket: Int32, _ events: UInt32) -> Bool {
    var event = epoll_event(events: events, data: epoll_data_t(fd: socket))
    if epoll_ctl(epollFD, EPOLL_CTL_MOD, socket, &event) == 0 { return true }
    return epoll_ctl(epollFD, EPOLL_CTL_ADD, socket, &event) == 0
  }

  /// −1: nothing is due.
  private func schedule(_ milliseconds: Int) {
    dueAt = milliseconds < 0 ? nil : Self.monotonicMilliseconds + milliseconds
  }

  private static var monotonicMilliseconds: Int {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return time.tv_sec * 1000 + time.tv_nsec / 1_000_000
  }
}
