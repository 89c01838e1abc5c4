// Between typed keys and values and the bytes that the owner keeps.

extension SharedDictionary {
  func bytes(_ key: Key) throws(ChannelError) -> [UInt8] {
    do throws(ValueCodingError) {
      return try ValueCodec.encode(key)
    } catch {
      throw .value(error)
    }
  }

  func stored(_ value: Value) throws(ChannelError) -> StoredValue {
    let message = try Message(encoding: value)
    do throws(MultiprocessingError) {
      // Once, here: a long value becomes the file that everybody gets.
      if message.bytes.count <= PayloadPart.inlineBytes {
        return StoredValue(payload: .bytes(message.bytes), files: message.files)
      }
      let file = SharedFile(try SealedMemory.write(message.bytes))
      return StoredValue(payload: .file(file, byteCount: message.bytes.count), files: message.files)
    } catch {
      throw .system(error)
    }
  }

  /// The number in a reply that says that all went well.
  @discardableResult
  func confirm(_ reply: DictionaryReply) throws(ChannelError) -> Int {
    switch reply {
    case .done(let number, _): return Int(clamping: number)
    case .absent, .conflict: return 0
    case .failed(let code): throw .system(MultiprocessingError("storing in a shared dictionary", code: code))
    }
  }

  /// The value in a reply, with its version; that of no value is 0.
  func versioned(_ reply: DictionaryReply) throws(ChannelError) -> (Value?, UInt64) {
    guard case .done(let version, let value) = reply else {
      try confirm(reply)
      return (nil, 0)
    }
    return (try message(value).value(Value.self), version)
  }

  func value(in reply: DictionaryReply) throws(ChannelError) -> Value? { try versioned(reply).0 }

  func keys(in reply: DictionaryReply) throws(ChannelError) -> [Key] {
    guard case .done(_, let value) = reply else {
      try confirm(reply)
      return []
    }
    let list = try message(value).value([[UInt8]].self)
    var keys: [Key] = []
    keys.reserveCapacity(list.count)
    for bytes in list { keys.append(try Message(bytes: bytes, files: []).value(Key.self)) }
    return keys
  }

  private func message(_ value: StoredValue) throws(ChannelError) -> Message {
    do throws(MultiprocessingError) {
      return Message(bytes: try value.payload.readAll(), files: value.files)
    } catch {
      throw .system(error)
    }
  }
}
