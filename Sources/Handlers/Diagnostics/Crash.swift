import Glibc
import HandlerAPI

/// Ends its own process, by a signal or by a programming error.
public struct Crash: Handler {
  public struct Input: Decodable, Sendable {
    /// A signal's name, such as `SIGSEGV`. Left out: an index out of range, as a mistake in a handler would be.
    public var signal: String?
    public init(signal: String? = nil) { self.signal = signal }
  }
  public struct Output: Encodable, Sendable {
    public var item: Int
  }

  public static let name = "crash"
  public static let summary = "Ends its own process by a signal, or by an index out of range."
  public static let constraints: [InputConstraint] = [.oneOf("signal", signals.map(\.name))]

  /// Those whose default action ends a process (signal(7)).
  private static let signals: [(name: String, number: Int32)] = [
    ("SIGABRT", SIGABRT), ("SIGALRM", SIGALRM), ("SIGBUS", SIGBUS), ("SIGFPE", SIGFPE), ("SIGHUP", SIGHUP),
    ("SIGILL", SIGILL), ("SIGINT", SIGINT), ("SIGKILL", SIGKILL), ("SIGPIPE", SIGPIPE), ("SIGQUIT", SIGQUIT),
    ("SIGSEGV", SIGSEGV), ("SIGSYS", SIGSYS), ("SIGTERM", SIGTERM), ("SIGTRAP", SIGTRAP), ("SIGUSR1", SIGUSR1),
    ("SIGUSR2", SIGUSR2), ("SIGXCPU", SIGXCPU), ("SIGXFSZ", SIGXFSZ),
  ]

  public init() {}

  public static func validate(_ input: Input) -> [InputError] {
    guard let name = input.signal, number(of: name) == nil else { return [] }
    return [InputError(pointer: "/signal", detail: "must be the name of a signal that ends a process")]
  }

  public func run(_ input: Input, _ context: JobContext) async throws -> Output {
    guard let name = input.signal else {
      let items: [Int] = []
      return Output(item: items[context.attempt])
    }
    guard let number = Self.number(of: name) else { throw HandlerError("no such signal: \(name)") }
    try Self.dieBy(number)
  }

  private static func number(of name: String) -> Int32? { signals.first { $0.name == name }?.number }

  /// What the processor or the runtime sends for a mistake; a process may have handlers for them that print a backtrace.
  private static let faults: Set<Int32> = [SIGABRT, SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP]

  private static func dieBy(_ signal: Int32) throws -> Never {
    // As a real fault would: the handler there is comes first. Swift's returns, for the fault to happen once more.
    if faults.contains(signal) { raise(signal) }
    Glibc.signal(signal, SIG_DFL)
    var mask = sigset_t()
    sigemptyset(&mask)
    sigaddset(&mask, signal)
    pthread_sigmask(SIG_UNBLOCK, &mask, nil)
    raise(signal)
    // The kernel spares the first process of a pid namespace (pid_namespaces(7)).
    throw HandlerError("this process survived the signal")
  }
}
