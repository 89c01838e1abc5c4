// The program's whole command line. It parses, and either hands a checked configuration to whoever serves, or talks to a
// server over HTTP. Everything here is synchronous and starts no thread, so that `serve` may fork.

import Configuration
import Foundation
import HandlerAPI

/// The `millrace` program: what `main.swift` calls, in this package or in one that adds its own handlers.
public enum CommandLineTool {
  /// Runs the server until it stops, and returns the exit status of the process. The loader makes the configuration anew
  /// for a reload.
  ///
  /// It is called on the main thread of a process that has no other, and has not touched Dispatch or Swift's tasks.
  public typealias Serve = (ServerConfiguration, ConfigurationLoader) -> Int32

  /// Does what the command line says, and ends the process.
  ///
  /// - Parameters:
  ///   - handlers: what the server can run; the configuration file may name them.
  ///   - diagnosticHandlers: what it can run in addition with `--diagnostics`.
  public static func main(
    handlers: [any Handler.Type], diagnosticHandlers: [any Handler.Type] = [], serve: Serve
  ) -> Never {
    let arguments = Array(CommandLine.arguments.dropFirst())
    ProcessArguments.hideToken()
    let environment = ProcessInfo.processInfo.environment
    let tool = Run(
      environment: environment, handlerNames: Set((handlers + diagnosticHandlers).map { $0.name }),
      streams: StandardStreams(environment: environment))
    exit(tool.status(of: arguments, serve: serve))
  }
}
