// A row's columns, selected as `JobColumn.list`, into a job.

import JobModel

extension PreparedStatement {
  private func int(_ column: JobColumn) -> Int { int(column.rawValue) }
  private func optionalInt(_ column: JobColumn) -> Int? { optionalInt(column.rawValue) }
  private func text(_ column: JobColumn) -> String { text(column.rawValue) }
  private func optionalText(_ column: JobColumn) -> String? { optionalText(column.rawValue) }
  private func bytes(_ column: JobColumn) -> [UInt8] { bytes(column.rawValue) }

  private func timestamp(_ column: JobColumn) -> Timestamp? {
    optionalInt64(column.rawValue).map { Timestamp(microseconds: $0) }
  }

  private func duration(_ column: JobColumn) -> Duration? {
    optionalInt64(column.rawValue).map { .microseconds($0) }
  }

  func job() throws(SQLiteFailure) -> Job {
    var job = Job(
      id: try jobID(JobColumn.id.rawValue), handler: text(.handler), queue: text(.queue),
      executor: try .ofCode(int64(JobColumn.executor.rawValue)), state: try .ofCode(int64(JobColumn.state.rawValue)),
      priority: int(.priority), input: input(), maxAttempts: int(.maxAttempts), timeout: duration(.timeout),
      metadata: bytes(.metadata), createdAt: Timestamp(microseconds: int64(JobColumn.createdAt.rawValue)),
      scheduledAt: timestamp(.scheduledAt))
    job.uniqueKey = optionalText(.uniqueKey)
    job.concurrencyKey = optionalText(.concurrencyKey)
    if !isNull(JobColumn.batch.rawValue) {
      job.batch = BatchPlace(batch: try jobID(JobColumn.batch.rawValue), index: int(.batchIndex))
    }
    job.schedule = optionalText(.schedule)
    job.callbackURL = optionalText(.callbackUrl)
    job.trace = optionalText(.traceParent).flatMap(TraceContext.init(text:))
    job.attempt = int(.attempt)
    job.lostCount = int(.lostCount)
    job.handedBackCount = int(.handedBackCount)
    job.cancelRequested = int(.cancelRequested) != 0
    job.revision = int(.revision)
    job.owner = optionalInt64(JobColumn.owner.rawValue).map { OwnerID(number: $0) }
    job.queuedAt = Timestamp(microseconds: int64(JobColumn.queuedAt.rawValue))
    job.startedAt = timestamp(.startedAt)
    job.finishedAt = timestamp(.finishedAt)
    job.expiresAt = timestamp(.expiresAt)
    job.runBy = optionalText(.runNode).map {
      RunBy(node: $0, acceptor: int(.runAcceptor), pid: Int32(truncatingIfNeeded: int(.runPid)))
    }
    job.usage = usage()
    job.progress = optionalInt(.progressCompleted).map {
      JobProgress(completed: $0, total: optionalInt(.progressTotal), message: optionalText(.progressMessage))
    }
    job.error = try error()
    job.result = optionalText(.resultType).map(result)
    if !isNull(JobColumn.pastAttempts.rawValue) { job.pastAttempts = try StoredAttempt.decode(bytes(.pastAttempts)) }
    return job
  }

  /// The spool files of a row selected as `spoolFileColumns`, from column `first` on.
  func spoolFiles(first: Int32) -> [String] {
    [optionalText(first), optionalText(first + 1)].compactMap { $0 }
  }

  static let spoolFileColumns = "input_file, result_file"

  private func input() -> JobInput {
    guard let mediaType = optionalText(.inputType) else { return .json(bytes(.args)) }
    if let name = optionalText(.inputFile) {
      return .file(name: name, byteCount: int(.inputBytes), mediaType: mediaType, args: bytes(.args))
    }
    return .body(bytes(.inputBody), mediaType: mediaType, args: bytes(.args))
  }

  private func result(mediaType: String) -> JobResult {
    let body: JobResult.Body = optionalText(.resultFile).map { .file(name: $0) } ?? .bytes(bytes(.resultBody))
    return JobResult(mediaType: mediaType, byteCount: int(.resultBytes), body: body)
  }

  private func usage() -> JobUsage? {
    guard let queued = duration(.usageQueued), let wall = duration(.usageWall) else { return nil }
    return JobUsage(
      queued: queued, wall: wall, cpu: duration(.usageCpu), maxResidentBytes: optionalInt(.usageMaxResident))
  }

  private func error() throws(SQLiteFailure) -> JobError? {
    guard let word = optionalText(.errorKind) else { return nil }
    guard let kind = JobError.Kind(rawValue: word) else { throw .damaged("a job's error is of kind \(word)") }
    return JobError(
      kind, text(.errorMessage), attempt: int(.errorAttempt), signal: optionalText(.errorSignal),
      exitStatus: optionalInt(.errorExitStatus), backtrace: optionalText(.errorBacktrace))
  }
}
