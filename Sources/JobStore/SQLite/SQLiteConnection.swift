import GRDB

/// How a connection is set up for its part.
enum SQLiteConnection {
  enum Role { case writer, reader }

  static func open(_ path: String, _ role: Role) throws -> DatabaseQueue {
    var configuration = Configuration()
    configuration.label = "store.\(role)"
    configuration.readonly = role == .reader
    configuration.foreignKeysEnabled = false
    // Only strangers, such as the sqlite3 shell, are ever met: our own writers take turns by ``CommitLock``.
    configuration.busyMode = .timeout(1)
    configuration.allowsUnsafeTransactions = true
    configuration.prepareDatabase { database in
      for pragma in pragmas(role) { try database.execute(sql: "PRAGMA \(pragma)") }
    }
    return try DatabaseQueue(path: path, configuration: configuration)
  }

  private static func pragmas(_ role: Role) -> [String] {
    switch role {
    case .writer:
      [
        // Every commit reaches the disk before it returns (https://www.sqlite.org/pragma.html#pragma_synchronous).
        "synchronous = FULL",
        "cache_size = -16384",
        // Debian compiles SQLite so that it overwrites what is deleted, which doubles the cost of an update that moves a row.
        "secure_delete = OFF",
        "temp_store = MEMORY",
        // A log that readers made grow is cut back to this when it starts anew.
        "journal_size_limit = \(64 << 20)",
      ]
    case .reader:
      ["cache_size = -8192", "temp_store = MEMORY", "query_only = ON"]
    }
  }
}
