// The handlers that come along: what a server offers before anyone has written a handler of their own.
//
// Each file does one kind of work and knows nothing of HTTP serving, the store or the executors.

import HandlerAPI

/// Handlers every server registers.
public enum StandardHandlers {
  public static let all: [any Handler.Type] = [
    CountPrimes.self, SHA256.self, WordCount.self, Mandelbrot.self, MatrixMultiply.self, HTTPFetch.self, Sleep.self,
  ]
}

/// Handlers that misbehave on request, registered with `--diagnostics` only: whoever may submit a job could crash or
/// fill a worker with them.
public enum DiagnosticHandlers {
  public static let all: [any Handler.Type] = [
    Noop.self, Echo.self, Fail.self, Crash.self, Spin.self, Leak.self,
  ]
}
