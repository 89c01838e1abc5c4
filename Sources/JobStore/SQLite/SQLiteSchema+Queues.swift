// Lines by queue, limits by key, and requests that may come again.

extension SQLiteSchema {
  /// - `job_queued` has a line for each executor and queue: a claim takes the first of these lines' heads, and so passes by
  ///   a paused queue without a look at its jobs.
  /// - The jobs in `job_held` (state -1) wait for one with their key to end. They are in no line, however many they are.
  static let queueTables = """
    CREATE INDEX job_queued ON job (executor, queue, priority DESC, queued_at, seq, state) WHERE state = 1;
    CREATE INDEX job_queued_key ON job (concurrency_key, handler, queue, priority, state)
      WHERE state = 1 AND concurrency_key IS NOT NULL;
    CREATE INDEX job_held ON job (concurrency_key, handler, queue, priority DESC, queued_at, seq, executor, state)
      WHERE state = -1;
    CREATE INDEX job_running_key ON job (concurrency_key, state) WHERE state = 2 AND concurrency_key IS NOT NULL;
    -- States below 3 have not ended.
    CREATE UNIQUE INDEX job_unique ON job (unique_key) WHERE unique_key IS NOT NULL AND state < 3;

    CREATE TABLE paused_queue (name TEXT PRIMARY KEY, paused_at INTEGER NOT NULL) WITHOUT ROWID;

    -- Numbered in the order they came, which is that of their expiry; the span of the numbers bounds how many there are.
    CREATE TABLE request (
      number INTEGER PRIMARY KEY, scope TEXT NOT NULL, key TEXT NOT NULL, fingerprint BLOB NOT NULL, job BLOB NOT NULL,
      made_job INTEGER NOT NULL, handled_by INTEGER, expires_at INTEGER NOT NULL, reply BLOB
    );
    CREATE UNIQUE INDEX request_key ON request (scope, key);
    CREATE INDEX request_handled ON request (handled_by) WHERE handled_by IS NOT NULL;
    """
}
