import GRDB
import GRDBSQLite
import JobModel

/// One SQL statement, compiled once, with parameters and columns by position.
///
/// GRDB owns the connection and compiles; binding and stepping go to SQLite directly, because GRDB's arguments cost an
/// array of boxed values a call, on a path that runs tens of thousands of times a second. Belongs to the thread that owns
/// its connection.
final class PreparedStatement {
  private let statement: Statement
  private let handle: OpaquePointer
  private let connection: OpaquePointer

  init(_ database: Database, _ sql: String) throws {
    statement = try database.makeStatement(sql: sql)
    handle = statement.sqliteStatement
    guard let connection = database.sqliteConnection else {
      throw SQLiteFailure(code: ResultCode.SQLITE_MISUSE.rawValue, message: "the connection is closed")
    }
    self.connection = connection
  }

  // MARK: Parameters, counted from 1

  func bind(_ position: Int32, _ value: Int64) { check(sqlite3_bind_int64(handle, position, value)) }

  func bind(_ position: Int32, _ value: Int64?) {
    if let value { bind(position, value) } else { bindNull(position) }
  }

  func bind(_ position: Int32, _ value: Int) { bind(position, Int64(value)) }

  func bind(_ position: Int32, _ value: Int?) { bind(position, value.map { Int64($0) }) }

  func bind(_ position: Int32, _ value: Bool) { bind(position, value ? 1 : 0 as Int64) }

  func bind(_ position: Int32, _ text: String?) {
    guard var text else { return bindNull(position) }
    text.withUTF8 { utf8 in
      // An empty string has no address, and a null pointer would bind NULL.
      guard let start = utf8.baseAddress, !utf8.isEmpty else {
        return check(sqlite3_bind_text(handle, position, "", 0, nil))
      }
      let characters = UnsafeRawPointer(start).assumingMemoryBound(to: CChar.self)
      check(sqlite3_bind_text(handle, position, characters, Int32(utf8.count), Self.copied))
    }
  }

  func bind(_ position: Int32, _ bytes: [UInt8]?) {
    guard let bytes else { return bindNull(position) }
    guard !bytes.isEmpty else { return check(sqlite3_bind_zeroblob(handle, position, 0)) }
    check(sqlite3_bind_blob(handle, position, bytes, Int32(bytes.count), Self.copied))
  }

  func bind(_ position: Int32, _ id: JobID) {
    withUnsafeBytes(of: (id.high.bigEndian, id.low.bigEndian)) { bytes in
      check(sqlite3_bind_blob(handle, position, bytes.baseAddress, 16, Self.copied))
    }
  }

  func bindNull(_ position: Int32) { check(sqlite3_bind_null(handle, position)) }

  // MARK: Running

  /// Runs a statement that gives no rows.
  func run() throws(SQLiteFailure) {
    let code = sqlite3_step(handle)
    if code != SQLITE_DONE && code != SQLITE_ROW { throw failure() }
    sqlite3_reset(handle)
  }

  /// Calls `body` for each row, as long as `wanted` says that more are.
  func forEachRow(
    while wanted: () -> Bool = { true }, _ body: (PreparedStatement) throws(SQLiteFailure) -> Void
  ) throws(SQLiteFailure) {
    while wanted() {
      let code = sqlite3_step(handle)
      if code == SQLITE_DONE { break }
      guard code == SQLITE_ROW else { throw failure() }
      do {
        try body(self)
      } catch {
        sqlite3_reset(handle)
        throw error
      }
    }
    sqlite3_reset(handle)
  }

  /// What `body` makes of the first row; `nil` if there is none.
  func firstRow<Value>(_ body: (PreparedStatement) throws(SQLiteFailure) -> Value) throws(SQLiteFailure) -> Value? {
    let code = sqlite3_step(handle)
    if code == SQLITE_DONE {
      sqlite3_reset(handle)
      return nil
    }
    guard code == SQLITE_ROW else { throw failure() }
    defer { sqlite3_reset(handle) }
    return try body(self)
  }

  // MARK: Columns, counted from 0

  func isNull(_ column: Int32) -> Bool { sqlite3_column_type(handle, column) == SQLITE_NULL }

  func int64(_ column: Int32) -> Int64 { sqlite3_column_int64(handle, column) }

  func optionalInt64(_ column: Int32) -> Int64? { isNull(column) ? nil : int64(column) }

  func int(_ column: Int32) -> Int { Int(int64(column)) }

  func optionalInt(_ column: Int32) -> Int? { optionalInt64(column).map { Int($0) } }

  func text(_ column: Int32) -> String {
    guard let start = sqlite3_column_text(handle, column) else { return "" }
    let count = Int(sqlite3_column_bytes(handle, column))
    return String(decoding: UnsafeBufferPointer(start: start, count: count), as: UTF8.self)
  }

  func optionalText(_ column: Int32) -> String? { isNull(column) ? nil : text(column) }

  func bytes(_ column: Int32) -> [UInt8] {
    guard let start = sqlite3_column_blob(handle, column) else { return [] }
    return Array(UnsafeRawBufferPointer(start: start, count: Int(sqlite3_column_bytes(handle, column))))
  }

  func optionalBytes(_ column: Int32) -> [UInt8]? { isNull(column) ? nil : bytes(column) }

  func jobID(_ column: Int32) throws(SQLiteFailure) -> JobID {
    guard let start = sqlite3_column_blob(handle, column), sqlite3_column_bytes(handle, column) == 16 else {
      throw .damaged("a job's id is not 16 bytes")
    }
    let words = UnsafeRawBufferPointer(start: start, count: 16)
    return JobID(
      high: UInt64(bigEndian: words.loadUnaligned(as: UInt64.self)),
      low: UInt64(bigEndian: words.loadUnaligned(fromByteOffset: 8, as: UInt64.self)))
  }

  // MARK: -

  /// SQLITE_TRANSIENT, a macro that Swift does not import: SQLite copies what is bound.
  private static var copied: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

  /// Binding fails only for a position that is not there, or values beyond SQLite's limits, which callers keep.
  private func check(_ code: Int32) {
    precondition(code == SQLITE_OK, "binding failed with code \(code): \(String(cString: sqlite3_errmsg(connection)))")
  }

  private func failure() -> SQLiteFailure {
    let failure = SQLiteFailure(
      code: sqlite3_extended_errcode(connection), message: String(cString: sqlite3_errmsg(connection)))
    sqlite3_reset(handle)
    return failure
  }
}
