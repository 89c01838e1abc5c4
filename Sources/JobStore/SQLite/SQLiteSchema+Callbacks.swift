extension SQLiteSchema {
  /// A row for each job that ended and has a callback URL. `state` is 0 for pending, 1 for delivered and 2 for failed;
  /// `due_at`, in microseconds since 1970, is when it may be taken.
  static let callbackTable = """
    CREATE TABLE callback (
      job_seq INTEGER PRIMARY KEY, state INTEGER NOT NULL, attempts INTEGER NOT NULL, due_at INTEGER NOT NULL,
      job_revision INTEGER NOT NULL, host TEXT NOT NULL, url TEXT NOT NULL, last_status INTEGER, last_error TEXT
    );
    CREATE INDEX callback_host ON callback (host, due_at) WHERE state = 0;
    CREATE INDEX callback_due ON callback (due_at) WHERE state = 0;
    """
}
