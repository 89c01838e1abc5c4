import JobModel

/// How a callback's state stands in its row.
extension CallbackDelivery.State {
  var code: Int {
    switch self {
    case .pending: 0
    case .delivered: 1
    case .failed: 2
    }
  }

  static func ofCode(_ code: Int64) throws(SQLiteFailure) -> CallbackDelivery.State {
    for state in allCases where state.code == code { return state }
    throw .damaged("a callback's state is \(code)")
  }
}

extension PreparedStatement {
  static let deliveryColumns = "state, attempts, due_at, last_status, last_error"

  /// A row selected as `deliveryColumns`; `nil` as long as nothing was tried.
  func delivery() throws(SQLiteFailure) -> CallbackDelivery? {
    let state = try CallbackDelivery.State.ofCode(int64(0))
    let attempts = int(1)
    if attempts == 0 { return nil }
    return CallbackDelivery(
      state: state, attempts: attempts, lastStatus: optionalInt(3), lastError: optionalText(4),
      nextAttemptAt: state == .pending ? Timestamp(microseconds: int64(2)) : nil)
  }
}
