// A job into the parameters of an insert or update.

import JobModel

extension PreparedStatement {
  func bind(_ column: JobColumn, _ value: Int) { bind(column.parameter, Int64(value)) }
  func bind(_ column: JobColumn, _ value: Int?) { bind(column.parameter, value) }
  func bind(_ column: JobColumn, _ value: Timestamp?) { bind(column.parameter, value?.microseconds) }
  func bind(_ column: JobColumn, _ value: Duration?) { bind(column.parameter, value?.microsecondsClamped) }
  func bind(_ column: JobColumn, _ value: String?) { bind(column.parameter, value) }
  func bind(_ column: JobColumn, _ value: JobID?) {
    if let value { bind(column.parameter, value) } else { bindNull(column.parameter) }
  }
  func bind(_ column: JobColumn, _ value: [UInt8]?) { bind(column.parameter, value) }

  /// All columns: for an insert.
  func bindWhole(_ job: Job) throws(SQLiteFailure) {
    bind(JobColumn.id.parameter, job.id)
    bind(.priority, job.priority)
    bind(.handler, job.handler)
    bind(.queue, job.queue)
    bind(.createdAt, job.createdAt)
    bind(.timeout, job.timeout)
    bind(.metadata, job.metadata)
    bind(.uniqueKey, job.uniqueKey)
    bind(.concurrencyKey, job.concurrencyKey)
    bind(.batch, job.batch?.batch)
    bind(.batchIndex, job.batch?.index)
    bind(.schedule, job.schedule)
    bind(.callbackUrl, job.callbackURL)
    bind(.traceParent, job.trace?.text)
    bindInput(job.input)
    bindChanging(job)
    try bindHistory(job)
  }

  /// The columns that change in a job's life, but for `past_attempts`.
  func bindChanging(_ job: Job) {
    bind(.state, job.state.code)
    bind(.executor, job.executor.code)
    bind(.attempt, job.attempt)
    bind(.maxAttempts, job.maxAttempts)
    bind(.lostCount, job.lostCount)
    bind(.handedBackCount, job.handedBackCount)
    bind(JobColumn.cancelRequested.parameter, job.cancelRequested)
    bind(.revision, job.revision)
    bind(JobColumn.owner.parameter, job.owner?.number)
    bind(.scheduledAt, job.scheduledAt)
    bind(.queuedAt, job.queuedAt)
    bind(.startedAt, job.startedAt)
    bind(.finishedAt, job.finishedAt)
    bind(.expiresAt, job.expiresAt)
    bind(.runNode, job.runBy?.node)
    bind(.runAcceptor, job.runBy?.acceptor)
    bind(.runPid, job.runBy.map { Int($0.pid) })
    bind(.usageQueued, job.usage?.queued)
    bind(.usageWall, job.usage?.wall)
    bind(.usageCpu, job.usage?.cpu)
    bind(.usageMaxResident, job.usage?.maxResidentBytes)
    bind(.progressCompleted, job.progress?.completed)
    bind(.progressTotal, job.progress?.total)
    bind(.progressMessage, job.progress?.message)
    bind(.errorKind, job.error?.kind.rawValue)
    bind(.errorMessage, job.error?.message)
    bind(.errorSignal, job.error?.signal)
    bind(.errorExitStatus, job.error?.exitStatus)
    bind(.errorAttempt, job.error?.attempt)
    bind(.errorBacktrace, job.error?.backtrace)
    bindResult(job.result)
  }

  func bindHistory(_ job: Job) throws(SQLiteFailure) {
    bind(.pastAttempts, job.pastAttempts.isEmpty ? nil : try StoredAttempt.encode(job.pastAttempts))
  }

  private func bindInput(_ input: JobInput) {
    bind(.args, input.args)
    switch input {
    case .json:
      for column in [JobColumn.inputType, .inputBytes, .inputFile, .inputBody] { bindNull(column.parameter) }
    case .body(let bytes, let mediaType, _):
      bind(.inputType, mediaType)
      bind(.inputBytes, bytes.count)
      bind(.inputBody, bytes)
      bindNull(JobColumn.inputFile.parameter)
    case .file(let name, let byteCount, let mediaType, _):
      bind(.inputType, mediaType)
      bind(.inputBytes, byteCount)
      bind(.inputFile, name)
      bindNull(JobColumn.inputBody.parameter)
    }
  }

  private func bindResult(_ result: JobResult?) {
    bind(.resultType, result?.mediaType)
    bind(.resultBytes, result?.byteCount)
    switch result?.body {
    case nil:
      bindNull(JobColumn.resultBody.parameter)
      bindNull(JobColumn.resultFile.parameter)
    case .bytes(let bytes):
      bind(.resultBody, bytes)
      bindNull(JobColumn.resultFile.parameter)
    case .file(let name):
      bind(.resultFile, name)
      bindNull(JobColumn.resultBody.parameter)
    }
  }
}

// The numbers in the file. They are written for ever: new states get new numbers. The partial indexes name them too.

extension JobState {
  var code: Int {
    switch self {
    case .scheduled: 0
    case .queued: 1
    case .running: 2
    case .succeeded: 3
    case .failed: 4
    case .cancelled: 5
    }
  }

  /// In the file: queued, but held out of the line because enough jobs with its key run.
  static let heldCode = -1

  static func ofCode(_ code: Int64) throws(SQLiteFailure) -> JobState {
    if code == heldCode { return .queued }
    for state in allCases where state.code == code { return state }
    throw .damaged("a job's state is \(code)")
  }
}

extension Executor {
  var code: Int {
    switch self {
    case .task: 0
    case .thread: 1
    case .process: 2
    }
  }

  static func ofCode(_ code: Int64) throws(SQLiteFailure) -> Executor {
    for executor in allCases where executor.code == code { return executor }
    throw .damaged("a job's executor is \(code)")
  }
}
