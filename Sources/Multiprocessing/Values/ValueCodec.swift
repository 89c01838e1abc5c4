// Typed values as bytes, for their way between processes: arguments, results, and what goes through queues and pipes.
//
// Both sides are one build of one program, so there are no versions and no names of types; but the other side may be a worker
// whose memory a function has overwritten, so whatever comes is checked: bytes that make no sense throw, they never trap.
// `ValueFormat` says what the bytes are.

/// Turns `Codable` values into bytes and back, exactly: NaN payloads, `-0.0`, 128-bit integers, nil within nil.
///
/// ```swift
/// let bytes = try ValueCodec.encode(["a": [1.5, .nan]])
/// let back = try ValueCodec.decode([String: [Double]].self, from: bytes)
/// ```
///
/// Arrays of numbers are copied as a block; a million `Int`s take about a millisecond.
public enum ValueCodec {
  /// The bytes of a value that holds no open file.
  ///
  /// - Throws: ``ValueCodingError/unencodable(type:reason:)``, also for a value with a file in it (a shared value, a pipe's
  ///   end): such a one can be an argument of a call, and is encoded by ``encodeWithFiles(_:)``.
  public static func encode<Value: Encodable>(_ value: Value) throws(ValueCodingError) -> [UInt8] {
    try encode(value, files: nil)
  }

  /// The bytes of a value, and the open files in it, which must travel beside them (``PoolCall/files``).
  ///
  /// - Throws: ``ValueCodingError/unencodable(type:reason:)``, also for more than ``PoolCall/mostFiles`` files.
  public static func encodeWithFiles<Value: Encodable>(_ value: Value) throws(ValueCodingError) -> EncodedValue {
    var writer = ValueWriter(files: nil)
    // No file is in what has a form of its own.
    if writer.putDirectly(value) { return EncodedValue(bytes: writer.bytes, files: []) }
    let files = FileList()
    return EncodedValue(bytes: try encode(value, files: files), files: files.files)
  }

  /// The value that `bytes` are, all of them.
  ///
  /// - Parameter files: what came beside the bytes.
  /// - Throws: ``ValueCodingError/undecodable(type:reason:)``.
  public static func decode<Value: Decodable>(
    _ type: Value.Type, from bytes: [UInt8], files: [SharedFile] = []
  ) throws(ValueCodingError) -> Value {
    // The closure's error is that of `decode` itself; withUnsafeBytes cannot say so before it has typed throws.
    let result: Result<Value, ValueCodingError> = bytes.withUnsafeBytes { raw in
      do throws(ValueCodingError) {
        return .success(try decode(type, from: raw, files: files))
      } catch {
        return .failure(error)
      }
    }
    return try result.get()
  }

  /// The same from memory that is only lent (a received frame, shared memory): nothing of it is kept.
  public static func decode<Value: Decodable>(
    _ type: Value.Type, from bytes: UnsafeRawBufferPointer, files: [SharedFile] = []
  ) throws(ValueCodingError) -> Value {
    let source = ValueSource(bytes, files: files)
    // A decoder that was kept beyond its time finds nothing to read, and throws.
    defer { source.close() }
    var reader = ValueReader(source)
    do {
      let value = try reader.decode(type, at: nil)
      if reader.remaining > 0 { throw MalformedValue("there are bytes after its end") }
      return value
    } catch {
      throw .undecodable(type: "\(type)", reason: MalformedValue.reason(error))
    }
  }

  private static func encode<Value: Encodable>(_ value: Value, files: FileList?) throws(ValueCodingError) -> [UInt8] {
    var writer = ValueWriter(files: files)
    do {
      try writer.encode(value, at: nil)
    } catch {
      throw .unencodable(type: "\(Value.self)", reason: MalformedValue.reason(error))
    }
    return writer.bytes
  }
}

/// A value ready to be sent.
public struct EncodedValue: Sendable {
  public var bytes: [UInt8]
  /// Open files of what is in the value, in the order its bytes count them.
  public var files: [SharedFile]
}

/// Why a value cannot go to another process, or what came is not one.
public enum ValueCodingError: Error, Sendable, Equatable, CustomStringConvertible {
  /// Its `encode(to:)` threw, it is nested too deep, or it holds an open file where none can go.
  case unencodable(type: String, reason: String)
  /// The bytes are not a value of the type, or its `init(from:)` threw.
  case undecodable(type: String, reason: String)

  public var description: String {
    switch self {
    case .unencodable(let type, let reason): "a value of type \(type) cannot be sent to another process: \(reason)"
    case .undecodable(let type, let reason): "what came is not a value of type \(type): \(reason)"
    }
  }
}
