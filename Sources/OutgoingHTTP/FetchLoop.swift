// The way from tasks to the one thread that runs all fetches of a process. Ten thousand fetches that wait for slow servers
// are ten thousand entries of an epoll set there, and occupy neither a thread of their own nor one of Swift's pool.

import CCurl
import CLinux
import Glibc
import JobModel
import Synchronization

/// Names one fetch, to cancel it.
typealias FetchTicket = UInt64
/// Called on the fetch thread with the bytes received so far, and the total where it is known.
public typealias FetchProgress = @Sendable (_ received: Int, _ total: Int?) -> Void

/// Hands fetches to the fetch thread and waits for what becomes of them.
public final class FetchLoop: Sendable {
  /// Made at first use, so in the process that fetches: a thread made before a fork would not exist after it.
  public static let shared = Result { () throws(FetchError) in try FetchLoop() }

  enum Command: Sendable {
    case start(FetchTicket, FetchRequest, FetchProgress, CheckedContinuation<FetchResponse, any Error>)
    case cancel(FetchTicket)
  }

  private struct State {
    var commands: [Command] = []
    var nextTicket: FetchTicket = 1
    var unfinished = 0
  }

  /// The executors' own limits are lower; this one only keeps a mistake of theirs from filling the memory.
  private static let unfinishedLimit = 100_000

  private let state = Mutex(State())
  private let wakeFD: Int32
  private let madeInProcess = getpid()

  /// A loop with a thread of its own, for fetches that must not wait in line behind those of ``shared``. Never ends.
  public init() throws(FetchError) {
    let code = curl_global_init(curl_global_default_flags)
    guard code == CURLE_OK else {
      throw FetchError("libcurl cannot start: \(String(cString: curl_easy_strerror(code)))")
    }
    wakeFD = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
    guard wakeFD >= 0 else { throw FetchError("no descriptor is left to fetch with (errno \(errno))") }
    try startThread()
  }

  /// Fetches, in a line behind others if there are very many. Throws ``FetchError`` where no answer came, and
  /// `CancellationError` at once when the task is cancelled.
  public func fetch(_ request: FetchRequest, progress: @escaping FetchProgress = { _, _ in }) async throws
    -> FetchResponse
  {
    precondition(getpid() == madeInProcess, "fetching began before this process was forked")
    let ticket = try state.withLock { state throws(FetchError) in
      guard state.unfinished < Self.unfinishedLimit else { throw FetchError("too many fetches are waiting") }
      state.unfinished += 1
      state.nextTicket += 1
      return state.nextTicket
    }
    defer { state.withLock { $0.unfinished -= 1 } }
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        post(.start(ticket, request, progress, continuation))
        // Cancelled before this: the handler below has run already, and its command came too early to mean anything.
        if Task.isCancelled { post(.cancel(ticket)) }
      }
    } onCancel: {
      post(.cancel(ticket))
    }
  }

  private func post(_ command: Command) {
    state.withLock { $0.commands.append(command) }
    var one: UInt64 = 1
    // EAGAIN means that the counter is full: the thread is about to wake anyway.
    _ = write(wakeFD, &one, MemoryLayout<UInt64>.size)
  }

  /// What was asked for since the last call. Called by the fetch thread after it was woken.
  func takeCommands() -> [Command] {
    var count: UInt64 = 0
    // EAGAIN where nothing was written since: the commands came with an earlier wake-up.
    _ = read(wakeFD, &count, MemoryLayout<UInt64>.size)
    return state.withLock { state in
      defer { state.commands = [] }
      return state.commands
    }
  }

  /// The thread lives as long as the process, asleep while there is nothing to fetch.
  private func startThread() throws(FetchError) {
    let thread = try FetchThread(loop: self, wakeFD: wakeFD)
    // All signals are for the main thread; libcurl's resolver threads inherit the mask.
    var all = sigset_t()
    var former = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &former)
    defer { pthread_sigmask(SIG_SETMASK, &former, nil) }
    var handle = pthread_t()
    let context = Unmanaged.passRetained(thread)
    let code = pthread_create(
      &handle, nil,
      { context in
        guard let context else { preconditionFailure("the fetch thread was started without its state") }
        Unmanaged<FetchThread>.fromOpaque(context).takeRetainedValue().run()
      }, context.toOpaque())
    guard code == 0 else {
      context.release()
      throw FetchError("no thread can be started to fetch with (errno \(code))")
    }
    pthread_detach(handle)
  }
}

extension Timestamp {
  static var now: Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
  }
}
