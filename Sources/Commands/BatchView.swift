import JobModel

/// What the commands show or need of a batch.
struct BatchView: Decodable, Equatable {
  var id: String
  var handler: String
  var total: Int
  var counts: [String: Int]
  var done: Bool

  static func decoded(_ body: [UInt8]) throws(ClientError) -> BatchView { try decodeReply(BatchView.self, body) }

  func count(_ state: JobState) -> Int { counts[state.rawValue] ?? 0 }

  var ended: Int { count(.succeeded) + count(.failed) + count(.cancelled) }

  /// What a command that followed it to the end ends with: what is worst of its jobs.
  var exitStatus: ExitStatus {
    if !done { return .stillRunning }
    if count(.failed) > 0 { return .jobFailed }
    return count(.cancelled) > 0 ? .jobCancelled : .success
  }

  /// `7 succeeded, 2 failed`
  var endText: String {
    let parts = JobState.allCases.filter { count($0) > 0 }.map { "\(count($0)) \($0.rawValue)" }
    return parts.joined(separator: ", ")
  }
}
