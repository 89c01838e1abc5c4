import HandlerAPI
import JobModel
import StrictJSON

/// The options of a submit, beside its handler and input: from the members of a JSON body, or from query parameters of the
/// same names. Reading collects every error, so that a client mends its request once.
struct JobOptions: Sendable {
  var priority = 0
  var runAt: Timestamp?
  var delay: Duration?
  var timeout: Duration?
  var maxAttempts: Int?
  var metadata = Array("{}".utf8)

  private(set) var errors: [InputError] = []

  static let priorities = -100...100
  static let attempts = 1...100
  static let metadataLimitBytes = 16 * 1024
  static let longestTimeout = Duration.seconds(30 * 86_400)
  static let longestDelay = Duration.seconds(10 * 366 * 86_400)

  /// Of the contract, but not of this version.
  static let unsupported = ["queue", "unique_key", "key", "callback_url"]

  mutating func fail(_ name: String, _ detail: String) {
    errors.append(InputError(pointer: "/" + JSONPointer.escaped(name), detail: detail))
  }

  /// Takes a member of a submit body; `false`: there is no such option.
  mutating func take(_ name: String, _ value: JSONNode) -> Bool {
    switch name {
    case "priority":
      if value.isNull { return true }
      takePriority(value.kind == .number ? value.intValue : nil)
    case "max_attempts":
      if value.isNull { return true }
      takeMaxAttempts(value.kind == .number ? value.intValue : nil)
    case "run_at", "delay", "timeout":
      if value.isNull { return true }
      if let text = value.stringValue { takeTime(name, text) } else { fail(name, "must be a string") }
    case "metadata":
      if value.isNull { return true }
      takeMetadata(value)
    default:
      guard Self.unsupported.contains(name) else { return false }
      fail(name, "is not supported by this version")
    }
    return true
  }

  /// Takes a query parameter; `false`: there is no such option.
  mutating func take(query name: String, _ text: String) -> Bool {
    switch name {
    case "priority": takePriority(Int(text))
    case "max_attempts": takeMaxAttempts(Int(text))
    case "run_at", "delay", "timeout": takeTime(name, text)
    case "metadata":
      do {
        takeMetadata(try JSONDocument.parse(Array(text.utf8)).root)
      } catch {
        fail(name, "must be a JSON object: \(error.detail)")
      }
    default:
      guard Self.unsupported.contains(name) else { return false }
      fail(name, "is not supported by this version")
    }
    return true
  }

  mutating func finish() {
    if runAt != nil, delay != nil { fail("delay", "cannot be given together with run_at") }
  }

  private mutating func takePriority(_ value: Int?) {
    guard let value, Self.priorities.contains(value) else {
      return fail("priority", "must be an integer from -100 to 100")
    }
    priority = value
  }

  private mutating func takeMaxAttempts(_ value: Int?) {
    guard let value, Self.attempts.contains(value) else {
      return fail("max_attempts", "must be an integer from 1 to 100")
    }
    maxAttempts = value
  }

  private mutating func takeTime(_ name: String, _ text: String) {
    if name == "run_at" {
      guard let moment = RFC3339.timestamp(text) else { return fail(name, "must be \(RFC3339.expectation)") }
      runAt = moment
      return
    }
    guard let duration = DurationText.duration(text) else { return fail(name, "must be \(DurationText.expectation)") }
    if name == "delay" {
      guard duration <= Self.longestDelay else { return fail(name, "must be at most 10 years") }
      delay = duration
    } else {
      guard duration > .zero, duration <= Self.longestTimeout else {
        return fail(name, "must be more than 0 and at most 30d")
      }
      timeout = duration
    }
  }

  private mutating func takeMetadata(_ value: JSONNode) {
    guard value.kind == .object else { return fail("metadata", "must be an object") }
    let text = value.rawBytes
    guard text.count <= Self.metadataLimitBytes else { return fail("metadata", "must be at most 16 KiB of JSON") }
    metadata = text
  }

  /// When the job shall wait for its time; `nil`: it may start now.
  func due(now: Timestamp) -> Timestamp? {
    if let runAt { return runAt > now ? runAt : nil }
    if let delay, delay > .zero { return now.advanced(by: delay) }
    return nil
  }
}
