/// Why a configuration was refused: one line for people, and the exit status that goes with it.
public struct ConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
  public enum Kind: Sendable, Equatable {
    /// A flag has a bad value, or two do not fit together.
    case usage
    /// The file, or a folder that was named, cannot be read.
    case unreadable
    /// The file or the environment says something wrong.
    case invalid
  }
  public let kind: Kind
  /// One line: where, and what. `millrace.yaml:4: max_queued: must be a whole number from 1 to 100000000, not 'many'`.
  public let description: String

  init(_ kind: Kind, _ description: String) {
    self.kind = kind
    self.description = description
  }

  /// The setting found at `origin` is wrong: `problem` completes its line.
  init(at origin: ConfigurationOrigin, _ problem: String) {
    self.init(origin.isFlag ? .usage : .invalid, "\(origin): \(problem)")
  }

  /// As `sysexits.h` numbers them: 64 usage, 66 an input cannot be read, 78 configuration.
  public var exitStatus: Int32 {
    switch kind {
    case .usage: 64
    case .unreadable: 66
    case .invalid: 78
    }
  }
}

/// Where a setting came from.
enum ConfigurationOrigin: Sendable, Equatable, CustomStringConvertible {
  /// `--max-queued`
  case flag(String)
  /// `MILLRACE_MAX_QUEUED`
  case variable(String)
  /// A dotted path of keys, and the line it stands on.
  case file(path: String, line: Int, key: String)

  var isFlag: Bool {
    if case .flag = self { return true }
    return false
  }

  var description: String {
    switch self {
    case .flag(let name), .variable(let name): name
    case .file(let path, let line, let key): "\(printable(path)):\(line): \(key)"
    }
  }
}

/// A text that is not what its setting takes. The message completes "max_queued: …".
public struct ValueError: Error, Sendable, Equatable, CustomStringConvertible {
  public let description: String
  init(_ description: String) { self.description = description }
}
