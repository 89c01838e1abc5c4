import CLinux
import Glibc
import Testing

@testable import Multiprocessing

@Suite("Rooms for large payloads")
struct PayloadRoomTests {
  private static let byteCount = PayloadRoom.shortest

  private func bytes(_ byte: UInt8) -> [UInt8] { [UInt8](repeating: byte, count: Self.byteCount) }

  private func loan(_ board: TicketBoard, _ call: UInt64, _ direction: RoomLoan.Direction = .argument) -> RoomLoan {
    RoomLoan(board: board, page: board.page(0), direction: direction, call: call)
  }

  /// The last byte of what is in a file.
  private func content(_ file: SharedFile?) throws -> UInt8? {
    try file.map { try Payload.file($0, byteCount: Self.byteCount).withBytes { $0[Self.byteCount - 1] } }
  }

  @Test("the first payload of a size gets no room, the second does, and a size of its own never finds another's")
  func second() throws {
    let rooms = PayloadRooms()
    #expect(try rooms.write(bytes(1)) == nil)
    #expect(try content(rooms.write(bytes(2))) == 2)
    #expect(try rooms.write(bytes(3) + [3]) == nil)
    #expect(try rooms.write([UInt8](repeating: 1, count: PayloadRoom.shortest - 1)) == nil)
  }

  @Test("a room is filled anew once its payload is let go of, and not before")
  func held() throws {
    let rooms = PayloadRooms()
    #expect(try rooms.write(bytes(1)) == nil)
    var first = try rooms.write(bytes(1))
    let number = try #require(first?.descriptor)
    let second = try #require(try rooms.write(bytes(2)))
    #expect(second.descriptor != number)
    #expect(try content(first) == 1)
    first = nil
    let third = try #require(try rooms.write(bytes(3)))
    #expect(third.descriptor == number)
    #expect(try content(second) == 2 && content(third) == 3)
  }

  @Test("a room is not filled while a reader has it, nor after one that died with it")
  func lent() throws {
    let rooms = PayloadRooms()
    let board = try TicketBoard()
    #expect(try rooms.write(bytes(1)) == nil)
    var tenant = try rooms.write(bytes(1))
    let number = try #require(tenant?.descriptor)
    let room = try #require((tenant?.keeper as? RoomTenant)?.room)
    room.lend(loan(board, 7))
    room.lend(loan(board, 8))
    var reader: SharedFile? = SharedFile(borrowing: SharedFile(owning: dup(number)), loan(board, 8), in: room.number)
    tenant = nil
    #expect(!room.isFree)
    #expect(try rooms.write(bytes(9)) == nil)
    #expect(try content(reader) == 1)
    reader = nil
    #expect(!room.isFree, "the reader of call 7 has said nothing")
    board.page(0).setLastReturned(.result, room: room.number, 7)
    #expect(!room.isFree, "a result's word was taken for an argument's")
  }

  @Test("a room that its reader hands on is never filled again")
  func passedOn() throws {
    let board = try TicketBoard()
    let room = try PayloadRoom(byteCount: Self.byteCount)
    room.fill { $0.copyBytes(from: bytes(1)) }
    room.lend(loan(board, 3))
    let file = SharedFile(owning: dup(room.file.descriptor))
    var reader: SharedFile? = SharedFile(borrowing: file, loan(board, 3), in: room.number)
    #expect(try PayloadPart(.file(#require(reader), byteCount: Self.byteCount)).descriptors.count == 1)
    reader = nil
    #expect(!room.isFree)
  }

  @Test("who gets a room can neither cut it, nor write to it")
  func sealed() throws {
    let room = try PayloadRoom(byteCount: Self.byteCount)
    room.fill { $0.copyBytes(from: bytes(5)) }
    let number = room.file.descriptor
    #expect(ftruncate(number, 0) != 0 && errno == EPERM)
    #expect(ftruncate(number, off_t(2 * Self.byteCount)) != 0 && errno == EPERM)
    var byte: UInt8 = 1
    #expect(pwrite(number, &byte, 1, 0) < 0 && errno == EPERM)
    #expect(mmap(nil, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, number, 0) == MAP_FAILED)
    #expect(try content(room.file) == 5)
  }

  @Test("a worker uses its room again only after the result before was let go of")
  func results() throws {
    let board = try TicketBoard()
    let rooms = WorkerRooms(PayloadRooms())
    /// A result as its reader has it, once it was sent, and the number of its room.
    func result(_ byte: UInt8, of call: UInt64) throws -> (file: SharedFile, room: UInt64) {
      let part = try rooms.part(.bytes(bytes(byte)), lending: loan(board, call, .result))
      return (SharedFile(owning: dup(try #require(part.file).descriptor)), part.roomNumber)
    }
    #expect(try result(1, of: 1).room == 0)
    let second = try result(2, of: 2)
    #expect(second.room != 0 && rooms.byteCount == Self.byteCount)
    let third = try result(3, of: 3)
    #expect(third.room == 0)
    #expect(try content(second.file) == 2)
    loan(board, 2, .result).of(second.room).giveBack()
    let fourth = try result(4, of: 4)
    #expect(fourth.room == second.room)
    #expect(try content(third.file) == 3 && content(fourth.file) == 4)
    rooms.leave()
    #expect(rooms.byteCount == 0)
    #expect(try content(fourth.file) == 4)
  }

  @Test("results of two sizes in turn have a room each, whichever is let go of first")
  func twoSizes() throws {
    let board = try TicketBoard()
    let rooms = WorkerRooms(PayloadRooms())
    func room(_ size: Int, of call: UInt64) throws -> UInt64 {
      let result = Payload.bytes([UInt8](repeating: 1, count: size * Self.byteCount))
      return try rooms.part(result, lending: loan(board, call, .result)).roomNumber
    }
    var call: UInt64 = 0
    var numbers: [Int: UInt64] = [:]
    for size in [1, 1, 2, 2] {
      call += 1
      numbers[size] = try room(size, of: call)
    }
    #expect(numbers[1] != 0 && numbers[2] != 0 && numbers[1] != numbers[2])
    for order in [[1, 2], [2, 1]] {
      for size in order { loan(board, size == 1 ? call - 2 : call, .result).of(numbers[size] ?? 0).giveBack() }
      call += 3
      #expect(try room(1, of: call - 2) == numbers[1])
      #expect(try room(2, of: call) == numbers[2])
    }
  }

  @Test("a payload that a function puts into a room itself is lent when it is sent, like any other")
  func ownRooms() throws {
    let board = try TicketBoard()
    let own = PayloadRooms()
    let rooms = WorkerRooms(own)
    _ = try Payload(sending: bytes(1), in: own)
    var payload: Payload? = try Payload(sending: bytes(2), in: own)
    let number = try rooms.part(#require(payload), lending: loan(board, 1, .result)).roomNumber
    payload = nil
    #expect(number != 0 && rooms.byteCount == Self.byteCount)
    // Else the next one would be written over what the pool reads.
    #expect(try rooms.part(.bytes(bytes(3)), lending: loan(board, 2, .result)).roomNumber == 0)
    loan(board, 1, .result).of(number).giveBack()
    #expect(try rooms.part(.bytes(bytes(3)), lending: loan(board, 2, .result)).roomNumber == number)
  }

  @Test("a payload is written in place, whatever its size: in its message, in a file, in a room again and again")
  func inPlace() throws {
    for count in [0, 1, PayloadPart.inlineBytes, PayloadPart.inlineBytes + 1, Self.byteCount + 7] {
      for byte in UInt8(1)...3 {
        let payload = try Payload(byteCount: count) { buffer in
          #expect(buffer.count == count)
          _ = buffer.initializeMemory(as: UInt8.self, repeating: byte)
        }
        #expect(payload.byteCount == count && payload.isReadyToSend)
        #expect(try payload.readAll() == [UInt8](repeating: byte, count: count))
        guard case .file(let file, _) = payload else { continue }
        #expect(linux_memfd_is_fixed(file.descriptor) == 1, "others can change it")
      }
    }
  }

  @Test("a payload that is not finished takes no room for ever")
  func inPlaceThrowing() throws {
    struct Stop: Error {}
    let rooms = PayloadRooms()
    #expect(try rooms.write(bytes(1)) == nil)
    #expect(throws: Stop.self) { try rooms.write(byteCount: Self.byteCount) { _ in throw Stop() } }
    #expect(rooms.keptBytes == Self.byteCount)
    #expect(throws: Stop.self) { try Payload(byteCount: PayloadPart.inlineBytes + 1) { _ in throw Stop() } }
    #expect(throws: Stop.self) { try Payload(byteCount: 1) { _ in throw Stop() } }
    #expect(try content(rooms.write(bytes(2))) == 2)
    #expect(rooms.keptBytes == Self.byteCount, "another room was made")
  }
}
