/// Where a worker puts its large results: the second of one size in a row gets a room, and those that follow too.
struct ResultRoom {
  private var room: PayloadRoom?
  private var lastByteCount = 0

  /// Resident in this process.
  var byteCount: Int { room?.byteCount ?? 0 }

  /// A result as it is sent.
  mutating func part(_ result: Payload, lending loan: RoomLoan) throws(MultiprocessingError) -> PayloadPart {
    if case .bytes(let bytes) = result, PayloadRoom.suits(bytes.count), let room = try self.room(for: bytes.count) {
      room.fill(bytes)
      room.lend(loan)
      return PayloadPart(in: room)
    }
    let part = try PayloadPart(result)
    if let file = part.file { SealedMemory.sealIfPossible(file.descriptor) }
    return part
  }

  mutating func leave() { room = nil }

  /// A room that is free; `nil`: a file of its own is cheaper, or the last result is still looked at.
  private mutating func room(for byteCount: Int) throws(MultiprocessingError) -> PayloadRoom? {
    defer { lastByteCount = byteCount }
    if let room, room.byteCount == byteCount { return room.isFree ? room : nil }
    room = nil
    if lastByteCount != byteCount { return nil }
    room = try PayloadRoom(byteCount: byteCount)
    return room
  }
}
