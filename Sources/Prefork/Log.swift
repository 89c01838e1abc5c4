/// Where this room's messages go: given in, so that it depends on no logger.
///
/// Called in the master only, never in a child.
public typealias Log = (LogLevel, _ message: String, _ metadata: [String: String]) -> Void

public enum LogLevel: String, Sendable, Equatable {
  case debug, info, notice, warning, error, critical
}
