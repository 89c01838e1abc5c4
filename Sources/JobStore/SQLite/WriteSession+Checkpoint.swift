// The write-ahead log is copied back into the database now and then, so that it stays short and starts anew.

import GRDBSQLite

extension WriteSession {
  /// Beyond this many pages the log is copied back: 16 MiB.
  static let checkpointPages = 4000
  /// Beyond this many the writer waits until no reader needs the log any more, so that it can start anew: 64 MiB. Reads are
  /// short; the wait is limited by the connection's busy timeout.
  static let restartPages = 16_000

  /// Called under the ``CommitLock``, after a commit.
  ///
  /// A checkpoint that fails or is kept from its end by a reader leaves the log as long as it is, and valid; the next
  /// commit tries again. A disk that is full then fails that commit.
  func checkpointIfLong() {
    let pages = logPages
    if pages < checkpointedPages { checkpointedPages = 0 }
    if pages >= Self.restartPages {
      sqlite3_wal_checkpoint_v2(connection, nil, SQLITE_CHECKPOINT_RESTART, nil, nil)
      checkpointedPages = pages
    } else if pages >= checkpointedPages + Self.checkpointPages {
      sqlite3_wal_checkpoint_v2(connection, nil, SQLITE_CHECKPOINT_PASSIVE, nil, nil)
      checkpointedPages = pages
    }
  }
}
