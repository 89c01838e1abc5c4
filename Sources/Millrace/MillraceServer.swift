// What a program imports that adds handlers of its own: the `Handler` protocol, the handlers that come along, and the
// whole command line in one call.

import Commands
import Glibc
@_exported public import HandlerAPI
@_exported public import Handlers
import JobService
import Multiprocessing

public enum MillraceServer {
  /// The `millrace` program, with these handlers: does what the command line says, and ends the process.
  ///
  ///     MillraceServer.main(handlers: StandardHandlers.all + [Greet.self])
  ///
  /// Call it from `main.swift` or a synchronous `@main`, before anything that starts a thread or a task: the server forks
  /// its processes, and refuses to from a process that has more than one thread.
  public static func main(handlers: [any Handler.Type] = StandardHandlers.all) -> Never {
    CommandLineTool.main(handlers: handlers, diagnosticHandlers: DiagnosticHandlers.all) { configuration, loader in
      enableBacktraces()
      return Service.serve(
        configuration,
        handlers: { configuration in
          HTTPFetch.allowsPrivateAddresses = configuration.allowPrivateAddresses
          return configuration.diagnostics ? handlers + DiagnosticHandlers.all : handlers
        },
        reload: { try loader.load() })
    }
  }

  /// Swift's crash handler takes its settings from the environment once, before `main`. So the program starts itself anew
  /// with them, unless the operator has chosen others.
  private static func enableBacktraces() {
    let (name, value) = ForkServer.backtraceEnvironment
    guard getenv(name) == nil, setenv(name, value, 1) == 0 else { return }
    var path = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    guard readlink("/proc/self/exe", &path, Int(PATH_MAX)) > 0 else { return }
    var arguments: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) }
    arguments.append(nil)
    // Returns only if it fails; then there are no backtraces, and all else works.
    execv(path, &arguments)
    for argument in arguments { free(argument) }
  }
}
