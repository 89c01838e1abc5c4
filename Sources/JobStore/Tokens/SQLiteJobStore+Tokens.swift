// Tokens in the SQLite file: their table, the statements, and the verbs.

import GRDB
import JobModel

enum TokenTable {
  /// A step of ``SQLiteSchema``. `scopes` has a bit for each, see ``TokenScope/bit``. The one row of `token_generation`
  /// changes with the tokens.
  static let creation = """
    CREATE TABLE token (
      id TEXT PRIMARY KEY,
      hash BLOB NOT NULL, scopes INTEGER NOT NULL, name TEXT, created_at INTEGER NOT NULL, expires_at INTEGER
    ) WITHOUT ROWID;
    CREATE TABLE token_generation (number INTEGER NOT NULL);
    INSERT INTO token_generation VALUES (0);
    """

  /// The statements of a writing connection.
  final class Writing {
    let insert: PreparedStatement
    let remove: PreparedStatement
    let advance: PreparedStatement

    init(_ database: Database) throws {
      insert = try PreparedStatement(
        database,
        "INSERT INTO token (id, hash, scopes, name, created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")
      remove = try PreparedStatement(database, "DELETE FROM token WHERE id = ?1 RETURNING 1")
      advance = try PreparedStatement(database, "UPDATE token_generation SET number = number + 1")
    }
  }

  /// The statements of a reading connection.
  final class Reading {
    let all: PreparedStatement
    let generation: PreparedStatement

    init(_ database: Database) throws {
      all = try PreparedStatement(
        database, "SELECT hash, scopes, name, created_at, expires_at FROM token ORDER BY created_at, id")
      generation = try PreparedStatement(database, "SELECT number FROM token_generation")
    }
  }
}

extension SQLiteJobStore {
  public func addToken(_ token: AccessToken) async throws(StoreError) {
    try await writer.write("add a token") { (session) throws(SQLiteFailure) in try session.addToken(token) }
  }

  public func revokeToken(id: String) async throws(StoreError) -> Bool {
    try await writer.write("revoke a token") { (session) throws(SQLiteFailure) in try session.revokeToken(id: id) }
  }

  public func tokens() async throws(StoreError) -> [AccessToken] {
    try await lookups.read("read the tokens") { (session) throws(SQLiteFailure) in try session.allTokens() }
  }

  public func tokenGeneration() async throws(StoreError) -> Int {
    try await lookups.read("look for new tokens") { (session) throws(SQLiteFailure) in try session.tokenGeneration() }
  }
}

extension WriteSession {
  func addToken(_ token: AccessToken) throws(SQLiteFailure) {
    try atomically { () throws(SQLiteFailure) in
      tokens.insert.bind(1, token.id)
      tokens.insert.bind(2, token.hash.bytes)
      tokens.insert.bind(3, token.scopes.reduce(0) { $0 | $1.bit })
      tokens.insert.bind(4, token.name)
      tokens.insert.bind(5, token.createdAt.microseconds)
      tokens.insert.bind(6, token.expiresAt?.microseconds)
      try tokens.insert.run()
      try tokens.advance.run()
    }
  }

  func revokeToken(id: String) throws(SQLiteFailure) -> Bool {
    try atomically { () throws(SQLiteFailure) in
      tokens.remove.bind(1, id)
      guard try tokens.remove.firstRow({ _ in true }) == true else { return false }
      try tokens.advance.run()
      return true
    }
  }
}

extension ReadSession {
  func allTokens() throws(SQLiteFailure) -> [AccessToken] {
    var found: [AccessToken] = []
    try tokens.all.forEachRow { row throws(SQLiteFailure) in
      guard let hash = TokenHash(row.bytes(0)) else { throw .damaged("a token's hash is not 32 bytes") }
      let bits = row.int64(1)
      found.append(
        AccessToken(
          hash: hash, scopes: Set(TokenScope.allCases.filter { bits & $0.bit != 0 }), name: row.optionalText(2),
          createdAt: Timestamp(microseconds: row.int64(3)),
          expiresAt: row.optionalInt64(4).map { Timestamp(microseconds: $0) }))
    }
    return found
  }

  func tokenGeneration() throws(SQLiteFailure) -> Int {
    guard let number = try tokens.generation.firstRow({ row in row.int(0) }) else {
      throw .damaged("the generation of the tokens is lost")
    }
    return number
  }
}

extension TokenScope {
  /// In the column `scopes`.
  fileprivate var bit: Int64 {
    switch self {
    case .submit: 1
    case .read: 2
    case .operate: 4
    }
  }
}
