import HandlerAPI
import JobModel
import StrictJSON

/// The options of a submit, beside its handler and input: from the members of a JSON body, or from query parameters of the
/// same names (see ``JobOption``). Reading collects every error, so that a client mends its request once.
struct JobOptions: Sendable {
  var queue = QueueName.standard
  var priority = 0
  var runAt: Timestamp?
  var delay: Duration?
  var timeout: Duration?
  var maxAttempts: Int?
  var uniqueKey: String?
  /// `key` in the contract.
  var concurrencyKey: String?
  var callbackURL: String?
  var metadata = Array("{}".utf8)

  private(set) var errors: [InputError] = []

  static let priorities = -100...100
  static let attempts = 1...100
  /// Of a key, in Unicode scalars.
  static let keyLength = 1...255
  static let metadataLimitBytes = 16 * 1024
  static let urlLimitBytes = 2048
  static let longestTimeoutSeconds = Int(Job.longestTimeout.components.seconds)
  static let longestDelaySeconds = 10 * 366 * 86_400

  mutating func fail(_ name: String, _ detail: String) {
    errors.append(InputError(pointer: "/" + JSONPointer.escaped(name), detail: detail))
  }

  mutating func finish() {
    if runAt != nil, delay != nil { fail("delay", "cannot be given together with run_at") }
  }

  /// When the job shall wait for its time; `nil`: it may start now.
  func due(now: Timestamp) -> Timestamp? {
    if let runAt { return runAt > now ? runAt : nil }
    if let delay, delay > .zero { return now.advanced(by: delay) }
    return nil
  }
}
