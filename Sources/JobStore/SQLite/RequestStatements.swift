import GRDB

/// What is written and asked about remembered requests. Belongs to the writer thread.
struct RequestStatements {
  let find: PreparedStatement
  let insert: PreparedStatement
  let span: PreparedStatement
  let endHandling: PreparedStatement
  let handlers: PreparedStatement
  let endHandlingOf: PreparedStatement
  let oldest: PreparedStatement
  let forget: PreparedStatement

  init(_ database: Database) throws {
    func prepared(_ sql: String) throws -> PreparedStatement { try PreparedStatement(database, sql) }
    find = try prepared(
      """
      SELECT number, fingerprint, job, made_job, handled_by, expires_at, reply FROM request
      WHERE scope = ?1 AND key = ?2
      """)
    insert = try prepared(
      """
      INSERT INTO request (scope, key, fingerprint, job, made_job, handled_by, expires_at, reply)
      VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
      """)
    // Two subqueries: SQLite finds a single minimum or maximum by one look, but not both at once
    // (https://www.sqlite.org/optoverview.html, section 16).
    span = try prepared("SELECT (SELECT max(number) FROM request) - (SELECT min(number) FROM request) + 1")
    endHandling = try prepared("UPDATE request SET handled_by = NULL WHERE scope = ?1 AND key = ?2")
    handlers = try prepared(
      "SELECT DISTINCT handled_by FROM request INDEXED BY request_handled WHERE handled_by IS NOT NULL")
    endHandlingOf = try prepared("UPDATE request SET handled_by = NULL WHERE handled_by = ?1")
    oldest = try prepared("SELECT number, expires_at FROM request ORDER BY number LIMIT ?1")
    forget = try prepared("DELETE FROM request WHERE number = ?1")
  }
}
