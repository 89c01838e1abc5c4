// How a store comes to be, and how a process joins it.

import CLinux
import GRDB
import Glibc

extension SQLiteJobStore {
  /// Creates the file, or brings an older one to the present tables. Run it once before the first acceptor starts, in a
  /// process that ends, because no connection may be inherited across a fork. Harmless while others have the store open.
  ///
  /// Beside `path` there will be `-wal` and `-shm` (SQLite's), `.door` and `.lock` (``CommitLock``'s), `.server`
  /// (``ServerReservation``'s) and the folder `.spool`. All are for their owner alone.
  ///
  /// - Throws: ``StoreError`` of kind `unusable` where the folder is missing, the file is not a database, is that of
  ///   another program, or was written by a newer Millrace.
  public static func prepare(path: String) throws(StoreError) {
    do {
      try createFile(path)
      try SpoolFolder.create(path: spoolPath(path))
      let lock = try CommitLock(databasePath: path)
      try lock.acquire()
      let connection = try SQLiteConnection.open(path, .writer)
      try connection.inDatabase { database in
        try SQLiteSchema.migrate(database)
        let mode = try String.fetchOne(database, sql: "PRAGMA journal_mode = WAL")
        if mode != "wal" {
          throw SQLiteSchema.Unfit("the file cannot have a write-ahead log (journal mode \(mode ?? "")")
        }
      }
      try connection.close()
      lock.release()
    } catch {
      throw openingError(error, path, "prepare")
    }
  }

  /// Joins the prepared store at `path`, and starts the threads. Call it after the process was forked.
  ///
  /// - Parameters:
  ///   - keyLimits: how many jobs with one key this process lets run at once.
  ///   - onCommit: called on the writer thread after each commit; it must be quick.
  public static func open(
    path: String, keyLimits: KeyLimits = KeyLimits(), onCommit: @escaping @Sendable (CommitReport) -> Void = { _ in }
  ) throws(StoreError) -> SQLiteJobStore {
    try open(path: path, pageLimit: nil, keyLimits: keyLimits, onCommit: onCommit)
  }

  /// - Parameter pageLimit: beyond so many pages this process finds the disk full (for tests of that).
  static func open(
    path: String, pageLimit: Int?, keyLimits: KeyLimits = KeyLimits(),
    onCommit: @escaping @Sendable (CommitReport) -> Void
  ) throws(StoreError) -> SQLiteJobStore {
    do {
      let lock = try CommitLock(databasePath: path)
      let writing = try SQLiteConnection.open(path, .writer)
      let idKey = try writing.inDatabase { database in
        try SQLiteSchema.requireCurrent(database)
        if let pageLimit { try database.execute(sql: "PRAGMA max_page_count = \(pageLimit)") }
        return try SQLiteSchema.idKey(database)
      }
      return SQLiteJobStore(
        idKey: idKey, writer: try WriterThread(writing, lock: lock, keyLimits: keyLimits, onCommit: onCommit),
        lookups: try ReaderThread(SQLiteConnection.open(path, .reader), "store-lookups", keyLimits),
        lists: try ReaderThread(SQLiteConnection.open(path, .reader), "store-lists", keyLimits))
    } catch {
      throw openingError(error, path, "open")
    }
  }

  /// Where the store at `path` keeps inputs and results that are too large for rows.
  public static func spoolPath(_ path: String) -> String { path + ".spool" }

  private static func openingError(_ error: any Error, _ path: String, _ operation: String) -> StoreError {
    switch error {
    case let error as StoreError: error
    case let unfit as SQLiteSchema.Unfit: StoreError(.unusable, operation: operation, cause: "\(path): \(unfit.reason)")
    default: SQLiteFailure(error).storeError("\(operation) \(path)")
    }
  }

  /// SQLite would create the file with the process's usual mode, and give `-wal` and `-shm` the same.
  private static func createFile(_ path: String) throws(StoreError) {
    let descriptor = linux_open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0o600)
    if descriptor < 0 { throw StoreError(.unusable, operation: "prepare", cause: "\(path): \(errnoText())") }
    defer { Glibc.close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw StoreError(.unusable, operation: "prepare", cause: "\(path) is not a file")
    }
  }
}
