/// What goes into a call and comes out of it: bytes, or an open file whose content is not copied between the processes.
public enum Payload: Sendable {
  case bytes([UInt8])
  /// `byteCount` bytes from the file's start. Read it with pread(2), because all holders share one offset. What comes
  /// from a worker is sealed against change (memfd_create(2), "File sealing") if it is a memory file that can be sealed. Large
  /// bytes come in a file that only their sender could change, and does not before the last holder of `SharedFile` has let
  /// it go: a descriptor that is duplicated does not count as a holder.
  case file(SharedFile, byteCount: Int)

  public static var none: Payload { .bytes([]) }

  /// Bytes as they are best sent; those that are many are written to a memory file here, and not where they are sent.
  public init(sending bytes: [UInt8]) throws(MultiprocessingError) { try self.init(sending: bytes, in: .shared) }

  init(sending bytes: [UInt8], in rooms: PayloadRooms) throws(MultiprocessingError) {
    if bytes.count <= PayloadPart.inlineBytes {
      self = .bytes(bytes)
    } else if let file = try rooms.write(bytes) {
      self = .file(file, byteCount: bytes.count)
    } else {
      self = .file(SharedFile(try SealedMemory.write(bytes)), byteCount: bytes.count)
    }
  }

  /// Bytes that are written where they are sent from, so that nobody copies them: for large arguments, and in a worker's
  /// function for large results.
  ///
  /// ```swift
  /// let pixels = try Payload(byteCount: width * height) { buffer in
  ///   for index in buffer.indices { buffer[index] = shade(index % width, index / width) }
  /// }
  /// let end = try await pool.run(PoolCall("blur", argument: pixels))
  /// ```
  ///
  /// - Parameter body: writes all of the buffer, which has `byteCount` bytes, may have an earlier payload of this process's in
  ///   it to begin with, and is lent until `body` returns. What it throws is thrown on.
  /// - Throws: ``MultiprocessingError`` where there is no memory.
  public init(byteCount: Int, initializingWith body: (UnsafeMutableRawBufferPointer) throws -> Void) throws {
    precondition(byteCount >= 0, "a payload of fewer than no bytes")
    if byteCount <= PayloadPart.inlineBytes {
      let bytes = try [UInt8](unsafeUninitializedCapacity: byteCount) { buffer, filled in
        try body(UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[..<byteCount]))
        filled = byteCount
      }
      self = .bytes(bytes)
    } else if let file = try PayloadRooms.shared.write(byteCount: byteCount, body) {
      self = .file(file, byteCount: byteCount)
    } else {
      self = .file(SharedFile(try SealedMemory.write(byteCount: byteCount, body)), byteCount: byteCount)
    }
  }

  /// Whether a call with it is sent without a copy worth mentioning. ``WorkerPool`` makes that copy where it is called, which
  /// is on the loop; ``readyToSend()`` makes it elsewhere.
  public var isReadyToSend: Bool {
    if case .bytes(let bytes) = self { bytes.count <= PayloadPart.inlineBytes } else { true }
  }

  /// The same, as it is best sent: see ``init(sending:)``.
  public func readyToSend() throws(MultiprocessingError) -> Payload { try readyToSend(in: .shared) }

  func readyToSend(in rooms: PayloadRooms) throws(MultiprocessingError) -> Payload {
    if case .bytes(let bytes) = self { try Payload(sending: bytes, in: rooms) } else { self }
  }

  public var byteCount: Int {
    switch self {
    case .bytes(let bytes): bytes.count
    case .file(_, let byteCount): byteCount
    }
  }

  /// Lends the content, without a copy where it is safe to look at it in place: bytes, and memory files that are sealed
  /// against change by all but, at most, their sender. Others are read.
  public func withBytes<Value>(_ body: (UnsafeRawBufferPointer) throws -> Value) throws -> Value {
    if case .file(let file, let byteCount) = self {
      if let bytes = file.contentsInView(byteCount: byteCount) {
        return try withExtendedLifetime(file) { try body(bytes) }
      }
      if let mapped = SealedMemory.map(file.descriptor, byteCount: byteCount) {
        defer { SealedMemory.unmap(mapped) }
        return try body(mapped)
      }
    }
    return try readAll().withUnsafeBytes { try body($0) }
  }

  /// The content in memory. A file shorter than it should be throws; it is read, never mapped, because a mapped file that
  /// another process cuts short kills its reader with SIGBUS.
  public func readAll() throws(MultiprocessingError) -> [UInt8] {
    switch self {
    case .bytes(let bytes): return bytes
    case .file(let file, let byteCount): return try SealedMemory.read(file.descriptor, byteCount: byteCount)
    }
  }
}
