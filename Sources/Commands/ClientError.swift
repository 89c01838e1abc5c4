import Configuration

/// Why a client command could not do what it was asked, with the exit status that scripts go by.
enum ClientError: Error, Equatable {
  /// No connection, or it broke, or no answer came in time.
  case unreachable(ServerAddress, reason: String)
  /// The server answered with an error.
  case refused(Problem)
  /// The server's answer makes no sense to this program.
  case unexpected(String)
  /// Something on this side: a file, standard output.
  case local(String)

  /// - Parameter aboutJob: the request was for one job, so that "not found" says that there is no such job.
  func exitStatus(aboutJob: Bool) -> ExitStatus {
    switch self {
    case .unreachable: .unreachable
    case .refused(let problem):
      switch problem.status {
      case 401, 403: .notAllowed
      case 404, 410: aboutJob ? .noSuchJob : .refused
      case 400..<500, 503: .refused
      default: .other
      }
    case .unexpected, .local: .other
    }
  }

  /// One line, or a few for an input with several errors.
  var message: String {
    switch self {
    case .unreachable(let address, let reason):
      "the server at \(address) was not reached: \(printable(reason, limit: 200))"
    case .refused(let problem): problem.message
    case .unexpected(let message), .local(let message): message
    }
  }
}

/// The exit statuses of the client commands.
enum ExitStatus: Int32 {
  case success = 0
  case other = 1
  case jobFailed = 3
  case jobCancelled = 4
  case stillRunning = 5
  case noSuchJob = 6
  case notAllowed = 7
  case unreachable = 8
  case refused = 9
  case usage = 64

  /// Of several, the one that a script must hear of first.
  static func gravest(_ statuses: [ExitStatus]) -> ExitStatus {
    let order: [ExitStatus] = [
      .usage, .unreachable, .notAllowed, .refused, .other, .noSuchJob, .jobFailed, .jobCancelled, .stillRunning,
    ]
    return order.first(where: statuses.contains) ?? .success
  }
}
