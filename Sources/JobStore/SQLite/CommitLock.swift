import CLinux
import Glibc

/// The turn to write, among all processes on one store.
///
/// SQLite admits one writer at a time too, but lets the others sleep and try again, which wastes the disk's time and may
/// starve one for seconds. Here they queue in the kernel. Checkpoints are made under the lock as well: before 3.51.3 SQLite
/// may lose data when one connection checkpoints while another resets the log (https://www.sqlite.org/wal.html, "The
/// WAL-Reset Bug"), and Debian 12 has 3.40.1.
///
/// flock(2) alone would be unfair: whoever unlocks and locks again at once is faster than the one being woken. So there are two locks,
/// a door and the room behind it. One waits in the door for the room, and the last owner of the room has to go
/// through the door again like everybody else. A process that is killed loses both, as the kernel closes its descriptors;
/// one that is stopped (SIGSTOP) holds up the others' writes, but not their reads; ``CallQueue`` then refuses new ones.
struct CommitLock: ~Copyable {
  private let door: Int32
  private let room: Int32

  /// Opens the lock files beside the database, after the process was forked: a descriptor that was inherited shares
  /// its lock with the parent.
  init(databasePath: String) throws(StoreError) {
    let door = try Self.openFile(databasePath + ".door")
    do {
      room = try Self.openFile(databasePath + ".lock")
    } catch {
      Glibc.close(door)
      throw error
    }
    self.door = door
  }

  deinit {
    Glibc.close(room)
    Glibc.close(door)
  }

  func acquire() throws(SQLiteFailure) {
    try Self.lock(door)
    do {
      try Self.lock(room)
    } catch {
      Self.unlock(door)
      throw error
    }
    Self.unlock(door)
  }

  func release() { Self.unlock(room) }

  private static func lock(_ descriptor: Int32) throws(SQLiteFailure) {
    while flock(descriptor, LOCK_EX) != 0 {
      if errno != EINTR { throw SQLiteFailure(systemCall: "flock") }
    }
  }

  private static func unlock(_ descriptor: Int32) {
    // Unlocking does not wait, and fails only for a descriptor that is not open (flock(2)).
    precondition(flock(descriptor, LOCK_UN) == 0, "the lock's descriptor was closed by somebody else")
  }

  private static func openFile(_ path: String) throws(StoreError) -> Int32 {
    let descriptor = linux_open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0o600)
    if descriptor < 0 { throw StoreError(.unusable, operation: "open", cause: "\(path): \(errnoText())") }
    return descriptor
  }
}

/// What the last failed system call of this thread reported.
func errnoText() -> String { "\(String(cString: strerror(errno))) (errno \(errno))" }
