// The tables, and how older files become the present ones.

import GRDB
import JobModel

enum SQLiteSchema {
  /// Marks a file as ours in its header ("MRJS", https://www.sqlite.org/pragma.html#pragma_application_id).
  static let applicationID = 0x4d52_4a53

  /// One step a version. A step that was released is never changed: add another.
  private static let steps: [@Sendable (Database) throws -> Void] = [
    { database in
      try database.execute(sql: firstTables)
      let key = SipHashKey.random()
      try database.execute(
        sql: "INSERT INTO meta (name, k0, k1) VALUES ('id_key', ?, ?)",
        arguments: [Int64(bitPattern: key.k0), Int64(bitPattern: key.k1)])
    },
    { database in for tables in secondTables { try database.execute(sql: tables) } },
    { database in try database.execute(sql: cheaperBatchCounts) },
  ]

  /// What the second version brought, a topic each.
  private static let secondTables = [
    widerJobTable, queueTables, batches, scheduleTable, callbackTable, TokenTable.creation,
  ]

  static var version: Int { steps.count }

  /// Brings the file to the present version, or to an older one for a test of that; creates the tables in an empty one.
  static func migrate(_ database: Database, to version: Int = version) throws {
    let found = try recognizedVersion(database)
    if found >= version { return }
    try database.inTransaction(.immediate) {
      for step in steps[found..<version] { try step(database) }
      try database.execute(sql: "PRAGMA application_id = \(applicationID)")
      try database.execute(sql: "PRAGMA user_version = \(version)")
      return .commit
    }
  }

  /// Stops unless the file has the present version.
  static func requireCurrent(_ database: Database) throws {
    let found = try recognizedVersion(database)
    if found != version { throw Unfit("the file has version \(found) of the tables, not \(version): prepare it first") }
  }

  static func idKey(_ database: Database) throws -> SipHashKey {
    guard let row = try Row.fetchOne(database, sql: "SELECT k0, k1 FROM meta WHERE name = 'id_key'") else {
      throw Unfit("the file has lost its id key")
    }
    return SipHashKey(k0: UInt64(bitPattern: row[0]), k1: UInt64(bitPattern: row[1]))
  }

  /// Why a file cannot serve as a store.
  struct Unfit: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
  }

  private static func recognizedVersion(_ database: Database) throws -> Int {
    let application = try Int.fetchOne(database, sql: "PRAGMA application_id") ?? 0
    let found = try Int.fetchOne(database, sql: "PRAGMA user_version") ?? 0
    let tables = try Int.fetchOne(database, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
    if application == 0 && found == 0 && tables == 0 { return 0 }
    guard application == applicationID else { throw Unfit("the file is the database of another program") }
    guard found <= version else {
      throw Unfit("the file was written by a newer Millrace: version \(found) of the tables, this one knows \(version)")
    }
    return found
  }

  /// Numbers of states and executors are in `PreparedStatement+JobBinding.swift`. Times are microseconds since 1970, durations
  /// microseconds. `seq` is the order of submission. Every index costs on the way of each job, so the ones that only some
  /// jobs need are partial; the order of columns within `job` is explained at ``JobColumn``.
  private static let firstTables = """
    CREATE TABLE meta (name TEXT PRIMARY KEY, k0 INTEGER NOT NULL, k1 INTEGER NOT NULL) WITHOUT ROWID;

    CREATE TABLE job (
      seq INTEGER PRIMARY KEY,
      id BLOB NOT NULL UNIQUE,
      state INTEGER NOT NULL, executor INTEGER NOT NULL, priority INTEGER NOT NULL,
      attempt INTEGER NOT NULL, max_attempts INTEGER NOT NULL, lost_count INTEGER NOT NULL,
      handed_back_count INTEGER NOT NULL, cancel_requested INTEGER NOT NULL, revision INTEGER NOT NULL,
      handler TEXT NOT NULL, queue TEXT NOT NULL, owner INTEGER,
      created_at INTEGER NOT NULL, scheduled_at INTEGER, queued_at INTEGER NOT NULL, started_at INTEGER,
      finished_at INTEGER, expires_at INTEGER, timeout INTEGER,
      run_node TEXT, run_acceptor INTEGER, run_pid INTEGER,
      usage_queued INTEGER, usage_wall INTEGER, usage_cpu INTEGER, usage_max_resident INTEGER,
      progress_completed INTEGER, progress_total INTEGER, progress_message TEXT,
      error_kind TEXT, error_message TEXT, error_signal TEXT, error_exit_status INTEGER, error_attempt INTEGER,
      input_type TEXT, input_bytes INTEGER, input_file TEXT, result_type TEXT, result_bytes INTEGER, result_file TEXT,
      args BLOB NOT NULL, metadata BLOB NOT NULL, input_body BLOB, result_body BLOB, error_backtrace TEXT,
      past_attempts BLOB
    );
    -- The lines. A tie of moments is decided by seq. They end with the state, always the same, because SQLite 3.40 would
    -- otherwise look into each row for it even to count.
    CREATE INDEX job_queued ON job (executor, priority DESC, queued_at, seq, state) WHERE state = 1;
    CREATE INDEX job_scheduled ON job (scheduled_at, seq, state) WHERE state = 0;
    CREATE INDEX job_running ON job (owner, state) WHERE state = 2;
    -- What has ended, until it is removed.
    CREATE INDEX job_expiring ON job (expires_at) WHERE expires_at IS NOT NULL;
    CREATE INDEX job_failed ON job (id) WHERE state = 4;
    CREATE INDEX job_cancelled ON job (id) WHERE state = 5;
    CREATE INDEX job_spool ON job (input_file, result_file) WHERE input_file IS NOT NULL OR result_file IS NOT NULL;

    -- What jobs print, a row each time.
    CREATE TABLE log (job_seq INTEGER NOT NULL, bytes BLOB NOT NULL);
    CREATE INDEX log_job ON log (job_seq);
    """
}
