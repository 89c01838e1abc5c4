// How a job stands in its row.

import JobModel

/// The columns of table `job` after its `seq`, in their order; each name's place is also its parameter's number less one.
///
/// What lists and claims look at comes first and what may be large last: SQLite keeps the tail of a long row in pages of
/// their own, which are read only when a column in them is asked for (https://www.sqlite.org/fileformat2.html, 1.6).
enum JobColumn: Int32, CaseIterable {
  case id, state, executor, priority, attempt, maxAttempts, lostCount, handedBackCount, cancelRequested, revision
  case handler, queue, owner
  case uniqueKey, concurrencyKey, batch, batchIndex, schedule
  case createdAt, scheduledAt, queuedAt, startedAt, finishedAt, expiresAt, timeout
  case runNode, runAcceptor, runPid
  case usageQueued, usageWall, usageCpu, usageMaxResident
  case progressCompleted, progressTotal, progressMessage
  case errorKind, errorMessage, errorSignal, errorExitStatus, errorAttempt
  case inputType, inputBytes, inputFile, resultType, resultBytes, resultFile
  case callbackUrl, traceParent
  case args, metadata, inputBody, resultBody, errorBacktrace, pastAttempts

  /// The case's name in SQL's habit: `maxAttempts` is column `max_attempts`.
  var name: String {
    String(describing: self).reduce(into: "") { name, letter in
      name += letter.isUppercase ? "_\(letter.lowercased())" : String(letter)
    }
  }
  var parameter: Int32 { rawValue + 1 }

  /// What an update leaves alone.
  private static let fixed: Set<JobColumn> = [
    .id, .priority, .handler, .queue, .uniqueKey, .concurrencyKey, .batch, .batchIndex, .schedule, .callbackUrl,
    .traceParent, .createdAt, .timeout, .inputType, .inputBytes, .inputFile, .args, .metadata, .inputBody,
  ]

  static let list = allCases.map(\.name).joined(separator: ", ")
  static let parameters = allCases.map { "?\($0.parameter)" }.joined(separator: ", ")

  /// `state = ?2, …` of all that changes in a job's life.
  static func assignments(withHistory: Bool) -> String {
    allCases.filter { !fixed.contains($0) && (withHistory || $0 != .pastAttempts) }
      .map { "\($0.name) = ?\($0.parameter)" }.joined(separator: ", ")
  }

  /// The parameter behind the columns' own: the row's `seq` in an update.
  static let seqParameter = Int32(allCases.count + 1)
  /// The place of `seq` behind them, in a query for `list, seq`.
  static let seqColumn = Int32(allCases.count)
}
