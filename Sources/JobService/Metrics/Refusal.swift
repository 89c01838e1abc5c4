/// Why something was not let in: the label `reason` of one metric.
enum Refusal: String, CaseIterable, Sendable {
  /// 400, 417, 501, 505: what is no good HTTP.
  case malformed
  /// 408: a head or a body that takes too long.
  case slow
  /// 413.
  case body
  /// 414, 431.
  case head
  /// 401.
  case token
  /// 403: a token without the scope.
  case scope
  /// 403: a foreign `Host`, or a page of another site.
  case origin
  /// 429.
  case rate
  /// 503: too many jobs wait.
  case queue
  /// 503: the server is being stopped.
  case draining
  /// A job's result that is too large: the job failed.
  case result
  /// More printed than is kept: the log was cut.
  case log

  /// Of a status that the HTTP server gives by itself; `nil`: that is no limit of ours.
  init?(serverStatus status: Int) {
    switch status {
    case 400, 417, 501, 505: self = .malformed
    case 408: self = .slow
    case 413: self = .body
    case 414, 431: self = .head
    default: return nil
    }
  }
}

extension APIError {
  /// `nil`: it was let in, and something else was wrong.
  var refusal: Refusal? {
    switch self {
    case .unauthorized: .token
    case .scopeMissing: .scope
    case .forbidden: .origin
    case .tooManyRequests: .rate
    case .overloaded: .queue
    case .draining: .draining
    case .tooLarge: .body
    default: nil
    }
  }
}
