// Jobs with the options of the whole contract.

extension SQLiteSchema {
  /// The table made anew instead of `ALTER TABLE … ADD COLUMN`, which adds behind the columns that may be large: a look at
  /// the new ones would then read all of these (see ``JobColumn``).
  static let widerJobTable = """
    ALTER TABLE job RENAME TO job_before;
    DROP INDEX job_queued;
    DROP INDEX job_scheduled;
    DROP INDEX job_running;
    DROP INDEX job_expiring;
    DROP INDEX job_failed;
    DROP INDEX job_cancelled;
    DROP INDEX job_spool;

    CREATE TABLE job (
      seq INTEGER PRIMARY KEY,
      id BLOB NOT NULL UNIQUE,
      state INTEGER NOT NULL, executor INTEGER NOT NULL, priority INTEGER NOT NULL,
      attempt INTEGER NOT NULL, max_attempts INTEGER NOT NULL, lost_count INTEGER NOT NULL,
      handed_back_count INTEGER NOT NULL, cancel_requested INTEGER NOT NULL, revision INTEGER NOT NULL,
      handler TEXT NOT NULL, queue TEXT NOT NULL, owner INTEGER,
      unique_key TEXT, concurrency_key TEXT, batch BLOB, batch_index INTEGER, schedule TEXT,
      created_at INTEGER NOT NULL, scheduled_at INTEGER, queued_at INTEGER NOT NULL, started_at INTEGER,
      finished_at INTEGER, expires_at INTEGER, timeout INTEGER,
      run_node TEXT, run_acceptor INTEGER, run_pid INTEGER,
      usage_queued INTEGER, usage_wall INTEGER, usage_cpu INTEGER, usage_max_resident INTEGER,
      progress_completed INTEGER, progress_total INTEGER, progress_message TEXT,
      error_kind TEXT, error_message TEXT, error_signal TEXT, error_exit_status INTEGER, error_attempt INTEGER,
      input_type TEXT, input_bytes INTEGER, input_file TEXT, result_type TEXT, result_bytes INTEGER, result_file TEXT,
      callback_url TEXT, trace_parent TEXT,
      args BLOB NOT NULL, metadata BLOB NOT NULL, input_body BLOB, result_body BLOB, error_backtrace TEXT,
      past_attempts BLOB
    );
    INSERT INTO job (
      seq, id, state, executor, priority, attempt, max_attempts, lost_count, handed_back_count, cancel_requested,
      revision, handler, queue, owner, created_at, scheduled_at, queued_at, started_at, finished_at, expires_at, timeout,
      run_node, run_acceptor, run_pid, usage_queued, usage_wall, usage_cpu, usage_max_resident, progress_completed,
      progress_total, progress_message, error_kind, error_message, error_signal, error_exit_status, error_attempt,
      input_type, input_bytes, input_file, result_type, result_bytes, result_file, args, metadata, input_body,
      result_body, error_backtrace, past_attempts)
    SELECT
      seq, id, state, executor, priority, attempt, max_attempts, lost_count, handed_back_count, cancel_requested,
      revision, handler, queue, owner, created_at, scheduled_at, queued_at, started_at, finished_at, expires_at, timeout,
      run_node, run_acceptor, run_pid, usage_queued, usage_wall, usage_cpu, usage_max_resident, progress_completed,
      progress_total, progress_message, error_kind, error_message, error_signal, error_exit_status, error_attempt,
      input_type, input_bytes, input_file, result_type, result_bytes, result_file, args, metadata, input_body,
      result_body, error_backtrace, past_attempts
    FROM job_before;
    DROP TABLE job_before;

    CREATE INDEX job_scheduled ON job (scheduled_at, seq, queue, state) WHERE state = 0;
    CREATE INDEX job_running ON job (owner, queue, state) WHERE state = 2;
    CREATE INDEX job_expiring ON job (expires_at) WHERE expires_at IS NOT NULL;
    CREATE INDEX job_failed ON job (id) WHERE state = 4;
    CREATE INDEX job_cancelled ON job (id) WHERE state = 5;
    CREATE INDEX job_spool ON job (input_file, result_file) WHERE input_file IS NOT NULL OR result_file IS NOT NULL;
    """
}
