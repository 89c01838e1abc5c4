import GRDB

/// What SQLite reported, before it is known which verb it befell.
struct SQLiteFailure: Error {
  /// An extended result code (https://www.sqlite.org/rescode.html).
  let code: Int32
  let message: String

  init(code: Int32, message: String) {
    self.code = code
    self.message = message
  }

  init(_ error: any Error) {
    switch error {
    case let failure as SQLiteFailure: self = failure
    case let error as DatabaseError:
      self.init(code: error.extendedResultCode.rawValue, message: error.message ?? "no message")
    default: self.init(code: ResultCode.SQLITE_ERROR.rawValue, message: String(describing: error))
    }
  }

  /// The call just failed and left its reason in `errno`.
  init(systemCall: String) {
    self.init(code: ResultCode.SQLITE_IOERR.rawValue, message: "\(systemCall): \(errnoText())")
  }

  /// A row that holds what no version of Millrace writes.
  static func damaged(_ what: String) -> SQLiteFailure {
    SQLiteFailure(code: ResultCode.SQLITE_CORRUPT.rawValue, message: what)
  }

  /// SQLite gave up a whole batch because of one of its writes.
  static let rolledBack = SQLiteFailure(
    code: ResultCode.SQLITE_ABORT_ROLLBACK.rawValue, message: "the transaction was rolled back: disk full, or I/O error"
  )

  /// The row's id is taken: undone by SQLite for this statement alone (https://www.sqlite.org/lang_conflict.html).
  var isDuplicate: Bool { ResultCode(rawValue: code).primaryResultCode == .SQLITE_CONSTRAINT }

  func storeError(_ operation: String) -> StoreError {
    let kind: StoreError.Kind =
      switch ResultCode(rawValue: code).primaryResultCode {
      case .SQLITE_CONSTRAINT: .duplicate
      case .SQLITE_NOTADB, .SQLITE_CORRUPT, .SQLITE_SCHEMA, .SQLITE_FORMAT, .SQLITE_MISMATCH, .SQLITE_ERROR: .unusable
      // Full, I/O, busy, out of memory, read-only for now, cannot open: the outside may mend.
      default: .unavailable
      }
    return StoreError(kind, operation: operation, cause: "\(message) (SQLite code \(code))")
  }
}
