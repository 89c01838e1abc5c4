import GRDBSQLite

/// The length of the write-ahead log, as SQLite tells it after each commit (https://www.sqlite.org/c3ref/wal_hook.html).
/// Belongs to the thread of its connection.
final class LogLength {
  private(set) var pages = 0

  /// Setting a hook also ends SQLite's own checkpoints; they are ``WriteSession/checkpointIfLong()``'s.
  init(of connection: OpaquePointer) {
    // The connection is closed before this object goes: both are the session's.
    let me = Unmanaged.passUnretained(self).toOpaque()
    sqlite3_wal_hook(
      connection,
      { context, _, _, pages in
        if let context { Unmanaged<LogLength>.fromOpaque(context).takeUnretainedValue().pages = Int(pages) }
        return SQLITE_OK
      }, me)
  }
}
