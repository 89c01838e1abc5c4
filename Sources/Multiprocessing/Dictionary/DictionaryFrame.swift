// The messages between the users of a shared dictionary and its owner. Keys and values are bytes here, and a long value is a
// sealed memory file that the owner keeps and hands on, without reading it.

import Glibc

/// A value as the owner keeps it.
struct StoredValue {
  var payload: Payload
  /// Open files in the value.
  var files: [SharedFile]
}

/// User to owner. Each is answered once, in order.
enum DictionaryRequest {
  case get(key: [UInt8])
  case set(key: [UInt8], StoredValue)
  case remove(key: [UInt8])
  /// Sets or removes the value if it still is the one with this version; 0: if there is none.
  case replace(key: [UInt8], ifVersion: UInt64, StoredValue?)
  case keys
  case count
  case removeAll

  private enum Kind: UInt8 {
    case get = 1
    case set, remove, replace, replaceByNone, keys, count, removeAll
  }

  /// Longest key; the rest of a message is for the value.
  static let longestKeyBytes = 64 * 1024

  func encoded() throws(MultiprocessingError) -> MessageSocket.Packed {
    switch self {
    case .get(let key): try Self.encoded(.get, key)
    case .set(let key, let value): try Self.encoded(.set, key, value)
    case .remove(let key): try Self.encoded(.remove, key)
    case .replace(let key, let version, let value?): try Self.encoded(.replace, key, version: version, value)
    case .replace(let key, let version, nil): try Self.encoded(.replaceByNone, key, version: version)
    case .keys: try Self.encoded(.keys)
    case .count: try Self.encoded(.count)
    case .removeAll: try Self.encoded(.removeAll)
    }
  }

  private static func encoded(
    _ kind: Kind, _ key: [UInt8] = [], version: UInt64 = 0, _ value: StoredValue? = nil
  ) throws(MultiprocessingError) -> MessageSocket.Packed {
    if key.count > longestKeyBytes {
      throw MultiprocessingError("a key of \(key.count) bytes is longer than \(longestKeyBytes)", code: 0)
    }
    var frame = FrameWriter(reserving: 64 + key.count)
    frame.put(kind.rawValue)
    frame.put(UInt32(key.count))
    frame.put(key)
    frame.put(version)
    let files = try (value ?? .none).put(into: &frame)
    return MessageSocket.Packed(frame: frame.bytes, files: files)
  }

  static func take(from frame: inout FrameReader, _ descriptors: inout ReceivedDescriptors) -> DictionaryRequest? {
    guard let kind = frame.take(UInt8.self).flatMap(Kind.init), let keyCount = frame.take(UInt32.self),
      let key = frame.take(count: Int(keyCount)), let version = frame.take(UInt64.self),
      let value = StoredValue.take(from: &frame, &descriptors)
    else { return nil }
    switch kind {
    case .get: return .get(key: key)
    case .set: return .set(key: key, value)
    case .remove: return .remove(key: key)
    case .replace: return .replace(key: key, ifVersion: version, value)
    case .replaceByNone: return .replace(key: key, ifVersion: version, nil)
    case .keys: return .keys
    case .count: return .count
    case .removeAll: return .removeAll
    }
  }
}

/// Owner to user.
enum DictionaryReply {
  /// Done; a count, or the version of the value.
  case done(number: UInt64, StoredValue)
  /// There is no such key.
  case absent
  /// Another was faster: the value has another version by now.
  case conflict
  /// The owner could not take the request in (no descriptor or no memory left).
  case failed(code: Int32)

  private enum Kind: UInt8 {
    case done = 1
    case absent, conflict, failed
  }

  func encoded() throws(MultiprocessingError) -> MessageSocket.Packed {
    switch self {
    case .done(let number, let value): try Self.encoded(.done, number, value)
    case .absent: try Self.encoded(.absent)
    case .conflict: try Self.encoded(.conflict)
    case .failed(let code): try Self.encoded(.failed, UInt64(UInt32(bitPattern: code)))
    }
  }

  private static func encoded(
    _ kind: Kind, _ number: UInt64 = 0, _ value: StoredValue = .none
  ) throws(MultiprocessingError) -> MessageSocket.Packed {
    var frame = FrameWriter(reserving: 64)
    frame.put(kind.rawValue)
    frame.put(number)
    let files = try value.put(into: &frame)
    return MessageSocket.Packed(frame: frame.bytes, files: files)
  }

  static func take(from frame: inout FrameReader, _ descriptors: inout ReceivedDescriptors) -> DictionaryReply? {
    guard let kind = frame.take(UInt8.self).flatMap(Kind.init), let number = frame.take(UInt64.self),
      let value = StoredValue.take(from: &frame, &descriptors)
    else { return nil }
    switch kind {
    case .done: return .done(number: number, value)
    case .absent: return .absent
    case .conflict: return .conflict
    case .failed: return .failed(code: Int32(truncatingIfNeeded: number))
    }
  }
}

extension StoredValue {
  static var none: StoredValue { StoredValue(payload: .none, files: []) }

  /// Writes what fits; gives the files that go along.
  func put(into frame: inout FrameWriter) throws(MultiprocessingError) -> [SharedFile] {
    let part = try PayloadPart(payload)
    frame.put(UInt8(files.count))
    part.put(into: &frame)
    return (part.file.map { [$0] } ?? []) + files
  }

  static func take(from frame: inout FrameReader, _ descriptors: inout ReceivedDescriptors) -> StoredValue? {
    guard let fileCount = frame.take(UInt8.self), let payload = PayloadPart.take(from: &frame, &descriptors),
      let files = descriptors.take(count: Int(fileCount))
    else { return nil }
    return StoredValue(payload: payload, files: files)
  }
}
