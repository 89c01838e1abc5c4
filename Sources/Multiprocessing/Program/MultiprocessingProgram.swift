import EventLoop
import Glibc

/// A program that uses other processes: it names the functions they can run, and what it does itself.
///
/// ```swift
/// @main
/// struct Squares: MultiprocessingProgram {
///   static let square = RemoteFunction("square") { (n: Int) in n * n }
///   static var functions: [any RegisteredFunction] { [square] }
///
///   static func run() async throws {
///     let pool = try ProcessPool()
///     print(try await pool.map(square, 1...10))
///   }
/// }
/// ```
///
/// Its ``main()`` forks the ``Launcher`` while the process has one thread, which a forked process needs to work at all, and
/// calls ``run()`` afterwards. No initializer of a global that runs before `main` may start a thread.
///
/// The main thread only waits from then on, so the main actor does not run: ``run()`` must not wait for it.
public protocol MultiprocessingProgram: SendableMetatype {
  /// What other processes can be asked to run. The names must differ.
  static var functions: [any RegisteredFunction] { get }

  /// Runs once for each pool, in the process that its workers are forked from: what it loads into globals, all of them share
  /// without a copy. It must not start a thread, a task or Dispatch. If it throws, the pool reports it and tries again.
  static func preload() throws

  /// The program. The process ends when it returns, with status 0; if it throws, with the error on standard error and
  /// status 1. Whatever processes are left end with it.
  static func run() async throws
}

extension MultiprocessingProgram {
  public static func preload() throws {}

  public static func main() {
    restartWithBacktraces()
    do {
      try Launcher.start(functions, preload: { try preload() })
    } catch {
      Diagnostics.write("\(error)")
      exit(EX_OSERR)
    }
    EpollLoop.startOnOwnThread()
    Task {
      var status = EXIT_SUCCESS
      do {
        try await run()
      } catch {
        Diagnostics.write("\(error)")
        status = EXIT_FAILURE
      }
      await PoolCore.handOnAllOutput()
      exit(status)
    }
    // The launcher is tied to this thread: it must not end before the process does.
    while true { pause() }
  }

  /// Workers that crash should tell where. Swift's crash handler takes its settings from the environment once, before
  /// `main`, so the program starts itself anew with them, unless its user has chosen others.
  private static func restartWithBacktraces() {
    let (name, value) = ForkServer.backtraceEnvironment
    guard getenv(name) == nil, setenv(name, value, 1) == 0 else { return }
    // By its real path: /proc/self/exe would become the process's name.
    guard let path = realpath("/proc/self/exe", nil) else { return }
    // Returns only if it fails; then there are no backtraces, and all else works.
    execv(path, CommandLine.unsafeArgv)
    free(path)
  }
}
