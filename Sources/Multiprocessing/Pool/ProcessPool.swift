import EventLoop
import Glibc
import Synchronization

/// Runs functions in worker processes: Python's `multiprocessing.Pool` and `ProcessPoolExecutor`.
///
/// ```swift
/// let pool = try ProcessPool()                             // as many workers as there are cores
/// let nine = try await pool.run(square, 3)
/// let primes = try await pool.map(countPrimes, ranges)
/// await pool.join()
/// ```
///
/// A function that crashes, loops for ever or takes all memory harms its own call only: its worker is killed, another stands in
/// its place within milliseconds, and every other call goes on. What workers print, on standard output or error, comes out on the
/// program's standard output.
///
/// The program must have begun as a ``MultiprocessingProgram``, or with ``Launcher/start(_:preload:)``. A pool that is let go of
/// ends its processes once its last call has ended.
public final class ProcessPool: Pool {
  public let size: Int
  public let gate: PoolGate
  private let limits: CallLimits
  private let core: PoolCore
  private let program: WorkerProgram

  /// Starts a pool's processes, and returns before they are there; calls wait for them.
  ///
  /// - Parameters:
  ///   - size: workers; `nil`: as many as this process has cores.
  ///   - maxJobsPerWorker: a worker is replaced after so many calls (a chunk is one): Python's `maxtasksperchild`.
  ///   - mostWaiting: calls that are taken while all workers are busy; further callers wait in line.
  ///   - limits: of each call that brings none of its own.
  ///   - initializer: run by each worker before its first call.
  /// - Throws: ``CallError/unavailable(_:)`` if no launcher was started, or nothing can be forked;
  ///   ``CallError/unregistered(_:)`` for the initializer.
  public init(
    size: Int? = nil, maxJobsPerWorker: Int? = nil, mostWaiting: Int = 1024, limits: CallLimits = .none,
    initializer: WorkerInitializer? = nil
  ) throws(CallError) {
    let size = size ?? CoreCount.ofThisProcess
    precondition(size > 0, "a pool has at least one worker")
    precondition(mostWaiting >= 0, "a pool has no room for a negative number of calls")
    self.size = size
    self.limits = limits
    gate = PoolGate(room: size + mostWaiting)
    let forkServer: ForkServerHandle
    do {
      let launcher = try Launcher.current()
      program = launcher.program
      if let initializer, program.index(of: initializer.call.function) == nil {
        throw CallError.unregistered(initializer.call.function)
      }
      forkServer = try launcher.startForkServer()
    } catch let error as CallError {
      throw error
    } catch {
      throw .unavailable("\(error)")
    }
    EpollLoop.startOnOwnThread()
    // The gate bounds what waits; a map that is in has a window of its own.
    let poolLimits = PoolLimits(mostWaiting: .max, maxCallsPerWorker: maxJobsPerWorker)
    core = PoolCore(size: size, forkServer, poolLimits, initializer?.call, gate)
    onLoop { [core] in core.start() }
  }

  deinit {
    onLoop { [core] in core.terminate() }
  }

  public func start(_ work: PoolWork) -> any StartedCall {
    let started = ProcessCall(work, in: self, core)
    do throws(CallError) {
      let call = try self.call(work)
      if EpollLoop.shared.isOnLoopThread {
        LoopActor.assumeIsolated(passing: (started, call)) { started, call in started.begin(call) }
      } else {
        Task { @LoopActor in started.begin(call) }
      }
    } catch {
      work.ended(.failure(error))
    }
    return started
  }

  public func terminate() {
    gate.close()
    onLoop { [core] in core.terminate() }
  }

  public func join() async {
    gate.close()
    await withCheckedContinuation { continuation in gate.whenEmpty { continuation.resume() } }
    await core.terminateAndWait()
  }

  /// The pids of the workers there are now.
  public var workerPIDs: [Int32] {
    get async { await core.workerPIDs() }
  }

  /// A call as the workers get it. What is large goes to a memory file here, and not on the loop.
  private func call(_ work: PoolWork) throws(CallError) -> PoolCall {
    guard let number = work.functionNumber ?? program.index(of: work.function) else {
      throw .unregistered(work.function)
    }
    work.functionNumber = number
    let limits = work.limits ?? self.limits
    let encoded: EncodedValue
    do {
      encoded = try work.encode()
    } catch {
      throw .unencodable(error)
    }
    let argument: Payload
    do {
      argument = try Payload(sending: encoded.bytes)
    } catch {
      throw .unavailable("\(error)")
    }
    var call = PoolCall(
      work.function, header: work.form.header, argument: argument, files: encoded.files, timeout: limits.timeout,
      memoryLimitBytes: limits.memoryBytes, cpuTimeLimit: limits.cpuTime, mayBeSentAhead: true, measuresUsage: false)
    call.functionNumber = number
    return call
  }
}

/// What each worker of a ``ProcessPool`` runs before its first call: Python's `initializer` and `initargs`.
///
/// ```swift
/// let counter = try SharedValue(0)
/// let pool = try ProcessPool(initializer: WorkerInitializer(useCounter, counter))
/// ```
///
/// If the function throws, it is tried again before the worker's next call, and the call that came too early ends with
/// ``CallError/initializerFailed(_:)``.
public struct WorkerInitializer: Sendable {
  let call: PoolCall

  /// - Throws: ``CallError/unencodable(_:)``.
  public init<Input, Output>(_ function: RemoteFunction<Input, Output>, _ input: Input) throws(CallError) {
    do {
      let encoded = try ValueCodec.encodeWithFiles(input)
      call = PoolCall(
        function.name, header: CallForm.single.header, argument: .bytes(encoded.bytes), files: encoded.files)
    } catch {
      throw .unencodable(error)
    }
  }

  public init<Output>(_ function: RemoteFunction<NoValue, Output>) throws(CallError) {
    try self.init(function, NoValue())
  }
}

/// Runs `body` on the loop: at once for who is there already, else in the order in which a thread asks.
func onLoop(_ body: @escaping @LoopActor @Sendable () -> Void) {
  if EpollLoop.shared.isOnLoopThread { return LoopActor.assumeIsolated { body() } }
  Task { @LoopActor in body() }
}
