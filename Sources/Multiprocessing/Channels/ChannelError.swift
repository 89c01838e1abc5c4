/// Why something could not be sent, received, put, taken or looked up.
public enum ChannelError: Error, Sendable, Equatable, CustomStringConvertible {
  /// This end, or the queue, was closed before.
  case closed
  /// The time was over first.
  case timedOut
  /// Nobody is left who could receive it.
  case noReceiver
  /// The value cannot be encoded, or what came is not one of this type.
  case value(ValueCodingError)
  case system(MultiprocessingError)

  public var description: String {
    switch self {
    case .closed: "it is closed"
    case .timedOut: "the time was over first"
    case .noReceiver: "nobody is left who could receive it"
    case .value(let error): "\(error)"
    case .system(let error): "\(error)"
    }
  }
}
