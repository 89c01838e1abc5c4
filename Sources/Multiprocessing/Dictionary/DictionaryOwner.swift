// The process that owns a shared dictionary: it keeps the entries and answers one request after the other. A user that dies
// only closes its connection.

import CLinux
import EventLoop
import Glibc

/// Runs in an owner process only.
@LoopActor
final class DictionaryOwner {
  /// What the owner process runs; every launcher knows it. Its argument is the owner's end of the door.
  nonisolated static let function = RemoteFunction("millrace.dictionary-owner") { (door: PassedFile) in
    LoopActor.assumeIsolated(passing: door.file) { DictionaryOwner($0).open() }
    // Until there are no users any more: then the process ends.
    EpollLoop.shared.run()
  }

  private struct Entry {
    var version: UInt64
    var value: StoredValue
  }

  private let door: FrameSocket
  private var isDoorOpen = true
  private var users: [Int32: FrameSocket] = [:]
  private var entries: [[UInt8]: Entry] = [:]
  private var lastVersion: UInt64 = 0

  private init(_ door: SharedFile) { self.door = FrameSocket(door) }

  private func open() {
    keepManyFiles()
    EpollLoop.shared.watch(door.descriptor, for: .readable) { _ in self.welcome() }
  }

  /// Each user and each long value is an open file here.
  private func keepManyFiles() {
    var limit = rlimit()
    if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) != 0 { return }
    limit.rlim_cur = limit.rlim_max
    // Refused: then it is as many as before, and a user is told when there are no more.
    _ = setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
  }

  // MARK: - Users

  /// A message at the door is the owner's end of a new user's connection.
  private func welcome() {
    while isDoorOpen {
      switch door.receive(waiting: false, { _, descriptors in descriptors.take() }) {
      case .message(let connection): serve(FrameSocket(connection))
      // There was no descriptor left for it, and the kernel has closed it: the user sees that.
      case .garbled: continue
      case .empty: return
      case .closed:
        EpollLoop.shared.unwatch(door.descriptor)
        isDoorOpen = false
        endIfUnused()
      }
    }
  }

  private func serve(_ user: FrameSocket) {
    users[user.descriptor] = user
    EpollLoop.shared.watch(user.descriptor, for: .readable) { _ in self.hear(user) }
  }

  private func hear(_ user: FrameSocket) {
    switch user.receive(waiting: false, DictionaryRequest.take) {
    case .message(let request): reply(carryOut(request), to: user)
    case .empty: break
    case .closed: dismiss(user)
    case .garbled: reply(.failed(code: EMFILE), to: user)
    }
  }

  private func reply(_ reply: DictionaryReply, to user: FrameSocket) {
    do throws(MultiprocessingError) {
      let packed = try reply.encoded()
      // A user waits for one reply at a time, so there is room; who does not read it is none.
      let code = user.send(packed.frame, descriptors: packed.files.map(\.passedOn), waiting: false)
      if code != 0 { dismiss(user) }
    } catch {
      Diagnostics.write("shared dictionary: \(error)")
      dismiss(user)
    }
  }

  private func dismiss(_ user: FrameSocket) {
    EpollLoop.shared.unwatch(user.descriptor)
    users[user.descriptor] = nil
    endIfUnused()
  }

  private func endIfUnused() {
    if !isDoorOpen && users.isEmpty { EpollLoop.shared.stop() }
  }

  // MARK: - Entries

  private func carryOut(_ request: DictionaryRequest) -> DictionaryReply {
    switch request {
    case .get(let key):
      guard let entry = entries[key] else { return .absent }
      return .done(number: entry.version, entry.value)
    case .set(let key, let value):
      store(value, key)
      return .done(number: lastVersion, .none)
    case .remove(let key):
      guard let entry = entries.removeValue(forKey: key) else { return .absent }
      return .done(number: entry.version, entry.value)
    case .replace(let key, let version, let value):
      if entries[key]?.version ?? 0 != version { return .conflict }
      if let value { store(value, key) } else { entries[key] = nil }
      return .done(number: lastVersion, .none)
    case .keys: return allKeys()
    case .count: return .done(number: UInt64(entries.count), .none)
    case .removeAll:
      entries = [:]
      return .done(number: 0, .none)
    }
  }

  private func store(_ value: StoredValue, _ key: [UInt8]) {
    // Never one that was there before: a value that was removed and set again is not the one somebody had read.
    lastVersion += 1
    entries[key] = Entry(version: lastVersion, value: value)
  }

  private func allKeys() -> DictionaryReply {
    do throws(ValueCodingError) {
      let bytes = try ValueCodec.encode(Array(entries.keys))
      return .done(number: UInt64(entries.count), StoredValue(payload: .bytes(bytes), files: []))
    } catch {
      preconditionFailure("an array of bytes can be encoded: \(error)")
    }
  }
}
