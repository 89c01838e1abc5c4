extension SQLiteSchema {
  /// Times are microseconds since 1970. `missed` is 0 for skip and 1 for once; `next_run_at` is null while paused.
  static let scheduleTable = """
    CREATE TABLE schedule (
      name TEXT PRIMARY KEY, cron TEXT NOT NULL, time_zone TEXT NOT NULL, paused INTEGER NOT NULL,
      missed INTEGER NOT NULL, next_run_at INTEGER, last_run_at INTEGER, last_job BLOB, last_error TEXT,
      created_at INTEGER NOT NULL, updated_at INTEGER NOT NULL, revision INTEGER NOT NULL, job BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE INDEX schedule_due ON schedule (next_run_at) WHERE next_run_at IS NOT NULL;
    """
}
