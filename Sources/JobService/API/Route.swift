import JobModel

/// What a path names.
enum Route: Sendable, Equatable {
  case service
  case jobs
  case job(JobID)
  case jobResult(JobID)
  case jobLog(JobID)
  case jobCancel(JobID)
  case jobRetry(JobID)
  case jobEvents(JobID)
  case events
  case run(String)
  case handlers
  case handler(String)
  case processes
  case metrics
  case livez
  case readyz
  /// A path below `/v1/jobs/` whose id is malformed.
  case noSuchJob
  /// Anything else below `/v1`.
  case unknown
  /// The rest: files of the public folder.
  case file

  /// A route without what its path carries, for counting.
  enum Kind: Int, CaseIterable, Sendable {
    case service, jobs, job, jobResult, jobLog, jobCancel, jobRetry, jobEvents, events, run, handlers, handler, processes, metrics, livez
    case readyz, file, unknown

    /// As the label of a metric.
    var template: String {
      switch self {
      case .service: "/v1"
      case .jobs: "/v1/jobs"
      case .job: "/v1/jobs/{id}"
      case .jobResult: "/v1/jobs/{id}/result"
      case .jobLog: "/v1/jobs/{id}/log"
      case .jobCancel: "/v1/jobs/{id}/cancel"
      case .jobRetry: "/v1/jobs/{id}/retry"
      case .jobEvents: "/v1/jobs/{id}/events"
      case .events: "/v1/events"
      case .run: "/v1/run/{handler}"
      case .handlers: "/v1/handlers"
      case .handler: "/v1/handlers/{name}"
      case .processes: "/v1/processes"
      case .metrics: "/metrics"
      case .livez: "/livez"
      case .readyz: "/readyz"
      case .file: "/"
      case .unknown: "unknown"
      }
    }
  }

  var kind: Kind {
    switch self {
    case .service: .service
    case .jobs: .jobs
    case .job: .job
    case .jobResult: .jobResult
    case .jobLog: .jobLog
    case .jobCancel: .jobCancel
    case .jobRetry: .jobRetry
    case .jobEvents: .jobEvents
    case .events: .events
    case .run: .run
    case .handlers: .handlers
    case .handler: .handler
    case .processes: .processes
    case .metrics: .metrics
    case .livez: .livez
    case .readyz: .readyz
    case .file: .file
    case .noSuchJob, .unknown: .unknown
    }
  }

  /// The methods it takes, as `Allow` lists them.
  var methods: [String] {
    switch self {
    case .jobs: ["GET", "HEAD", "POST"]
    case .job: ["GET", "HEAD", "DELETE"]
    case .jobCancel, .jobRetry, .run: ["POST"]
    default: ["GET", "HEAD"]
    }
  }

  /// - Parameter path: percent-decoded, beginning with `/`.
  init(path: String) {
    let jobs = "/v1/jobs/"
    if path.utf8.count >= jobs.utf8.count, path.hasPrefix(jobs) {
      self = Self.below(jobs: path.dropFirst(jobs.count))
      return
    }
    switch path {
    case "/v1": self = .service
    case "/v1/jobs": self = .jobs
    case "/v1/handlers": self = .handlers
    case "/v1/events": self = .events
    case "/v1/processes": self = .processes
    case "/metrics": self = .metrics
    case "/livez": self = .livez
    case "/readyz": self = .readyz
    default:
      if let name = Self.last(path, after: "/v1/run/") {
        self = .run(name)
      } else if let name = Self.last(path, after: "/v1/handlers/") {
        self = .handler(name)
      } else {
        self = path.hasPrefix("/v1/") ? .unknown : .file
      }
    }
  }

  private static func below(jobs rest: Substring) -> Route {
    let slash = rest.utf8.firstIndex(of: UInt8(ascii: "/"))
    guard let id = JobID(rest[..<(slash ?? rest.endIndex)]) else { return .noSuchJob }
    guard let slash else { return .job(id) }
    switch rest[slash...] {
    case "/result": return .jobResult(id)
    case "/log": return .jobLog(id)
    case "/cancel": return .jobCancel(id)
    case "/retry": return .jobRetry(id)
    case "/events": return .jobEvents(id)
    default: return .unknown
    }
  }

  /// The one segment after `prefix`.
  private static func last(_ path: String, after prefix: String) -> String? {
    guard path.hasPrefix(prefix) else { return nil }
    let rest = path.dropFirst(prefix.count)
    return rest.isEmpty || rest.utf8.contains(UInt8(ascii: "/")) ? nil : String(rest)
  }
}
