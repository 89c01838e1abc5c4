import Configuration
import Glibc
import JobModel
import Logging
import Prefork

/// Structured logs on standard error, a line each: `2026-01-01T00:00:00.000Z info ready acceptor=0 pid=4711`.
enum LogSetup {
  /// Called once, in the master, before anything is logged. It starts no thread.
  static func start(_ level: Configuration.LogLevel) {
    let level = Logger.Level(rawValue: level.rawValue) ?? .info
    LoggingSystem.bootstrap { _ in StderrLogHandler(logLevel: level) }
  }

  /// What the master says.
  static func write(_ level: Prefork.LogLevel, _ message: String, _ metadata: [String: String], to log: Logger) {
    log.log(
      level: Logger.Level(rawValue: level.rawValue) ?? .info, "\(message)",
      metadata: metadata.mapValues { "\($0)" })
  }
}

/// Writes each line by one write(2), so that lines of several processes do not mix (pipes keep writes of up to PIPE_BUF
/// bytes whole: pipe(7)).
struct StderrLogHandler: LogHandler {
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var line = "\(RFC3339.text(.now)) \(event.level.rawValue) \(Self.oneLine(event.message.description))"
    let all = metadata.merging(event.metadata ?? [:]) { _, new in new }
    for (key, value) in all.sorted(by: { $0.key < $1.key }) { line += " \(key)=\(Self.quoted(value.description))" }
    line += " process=\(getpid())\n"
    line.withUTF8 { bytes in
      // A log that cannot be written has no other place to say so.
      _ = Glibc.write(STDERR_FILENO, bytes.baseAddress, bytes.count)
    }
  }

  /// Values with spaces are quoted; control characters cannot forge lines, nor steer a terminal.
  private static func quoted(_ value: String) -> String {
    let line = oneLine(value)
    return line.contains(" ") || line.contains("\"") || line.contains("\\") || line.isEmpty
      ? "\"" + line.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\"" : line
  }

  private static func oneLine(_ text: String) -> String {
    String(
      text.unicodeScalars.map { scalar in
        switch scalar.properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator: " "
        default: Character(scalar)
        }
      })
  }
}

extension Configuration.ListenAddress {
  var forPrefork: Prefork.ListenAddress {
    switch self {
    case .tcp(let host, let port): .tcp(host: host, port: port)
    case .unix(let path): .unix(path: path)
    }
  }
}

extension ListenSocket {
  var isTCP: Bool { if case .tcp = address { true } else { false } }
}

extension ServerConfiguration {
  /// With the addresses, the number of acceptors and the store of `running`, which only a restart changes.
  func keepingProcesses(of running: ServerConfiguration) -> ServerConfiguration {
    var kept = self
    kept.listen = running.listen
    kept.acceptors = running.acceptors
    kept.store = running.store
    return kept
  }
}
