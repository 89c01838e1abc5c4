import JobModel

/// How long a command waits for jobs: whole seconds, a duration, or until they end.
enum WaitText {
  static let untilTheEnd = "forever"

  enum Limit: Equatable {
    case forever
    case atMost(Duration)
  }

  /// `nil` for anything else.
  static func limit(_ text: String) -> Limit? {
    if text == untilTheEnd { return .forever }
    if let seconds = UInt32(text), !text.hasPrefix("+") { return .atMost(.seconds(Int64(seconds))) }
    return DurationText.duration(text).map { .atMost($0) }
  }

  /// `--wait` may stand alone or have a value; here it gets its value joined on, or "forever". Otherwise the parser would
  /// take the next word for it: `submit --wait sleep seconds=1`.
  static func joined(_ arguments: [String]) -> [String] {
    var joined: [String] = []
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      if argument == "--" { return joined + [argument] + rest }
      if argument != "--wait" {
        joined.append(argument)
      } else if let next = rest.first, limit(next) != nil {
        joined.append("--wait=\(next)")
        rest.removeFirst()
      } else {
        joined.append("--wait=\(untilTheEnd)")
      }
    }
    return joined
  }
}
