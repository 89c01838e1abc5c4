import ArgumentParser
import Configuration
import Dispatch
import Glibc
import JobModel
import JobStore
import Synchronization

/// A command that works on the tokens in a store, without asking a server.
protocol TokenCommand: ParsableCommand, Sendable {
  /// A store that does not exist yet is made, not refused.
  static var makesStore: Bool { get }
  var place: StoreOptions { get }
  func run(_ tokens: any TokenStore) async throws -> TokenChange
}

/// What a command did, to be told when a running server knows it.
struct TokenChange: Sendable {
  var status: ExitStatus
  /// For standard output.
  var output = ""
  /// For standard error.
  var complaints: [String] = []
  /// Something changed; for standard error too.
  var note: String?
}

extension Timestamp {
  static var now: Timestamp {
    var time = timespec()
    // Fails only for a clock that does not exist (clock_gettime(2)).
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
  }
}

extension Run {
  /// After this long every acceptor has looked for new tokens.
  static let tokenPropagation = Duration.seconds(1)

  func run(_ command: any TokenCommand) -> Int32 {
    do {
      var flags: [ConfigurationKey: [String]] = [:]
      if let store = command.place.store { flags[.store] = [store] }
      let loader = ConfigurationLoader(
        flags: flags, path: command.place.config, environment: environment, handlerNames: handlerNames)
      let path = try loader.load().store.path
      let change = try change(by: command, path: path)
      // A script may use the token in its next line, and must be able to rely on a revocation.
      if change.note != nil, ServerReservation.isHeld(path: path) {
        usleep(UInt32(Self.tokenPropagation.components.seconds) * 1_000_000)
      }
      try streams.result(change.output)
      for complaint in change.complaints { streams.note(complaint) }
      if let note = change.note { streams.note("\(note), in \(printable(path))") }
      return change.status.rawValue
    } catch let error as ConfigurationError {
      streams.note(error.description)
      return error.exitStatus
    } catch let error as ClientError {
      streams.note(error.message)
      return ExitStatus.other.rawValue
    } catch {
      streams.note("\(error)")
      return Self.storeNotOpened
    }
  }

  /// As `serve` ends then.
  private static let storeNotOpened: Int32 = 73

  private func change(by command: any TokenCommand, path: String) throws -> TokenChange {
    guard type(of: command).makesStore || access(path, F_OK) == 0 else {
      throw ClientError.local("there is no store at \(printable(path))")
    }
    // Under a running server the tables stay as it knows them: if they are older than this program's, opening says so.
    if !ServerReservation.isHeld(path: path) { try SQLiteJobStore.prepare(path: path) }
    let store = try SQLiteJobStore.open(path: path)
    let outcome = Outcome()
    let ended = DispatchSemaphore(value: 0)
    // This thread only waits meanwhile, and the store has threads of its own.
    Task.detached {
      do {
        let change = try await command.run(store)
        outcome.result.withLock { $0 = .success(change) }
      } catch {
        outcome.result.withLock { $0 = .failure(error) }
      }
      await store.close()
      ended.signal()
    }
    ended.wait()
    guard let result = outcome.result.withLock({ $0 }) else { preconditionFailure("the task ended with a result") }
    return try result.get()
  }
}

/// What a task leaves to the thread that waits for it.
private final class Outcome: Sendable {
  let result = Mutex<Result<TokenChange, any Error>?>(nil)
}
