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
    var reader: SharedFile? = SharedFile(borrowing: SharedFile(owning: dup(number)), loan(board, 8))
    tenant = nil
    #expect(!room.isFree)
    #expect(try rooms.write(bytes(9)) == nil)
    #expect(try content(reader) == 1)
    reader = nil
    #expect(!room.isFree, "the reader of call 7 has said nothing")
    board.page(0).setLastReturned(.result, 7)
    #expect(!room.isFree, "a result's word was taken for an argument's")
  }

  @Test("a room that its reader hands on is never filled again")
  func passedOn() throws {
    let board = try TicketBoard()
    let room = try PayloadRoom(byteCount: Self.byteCount)
    room.fill(bytes(1))
    room.lend(loan(board, 3))
    var reader: SharedFile? = SharedFile(borrowing: SharedFile(owning: dup(room.file.descriptor)), loan(board, 3))
    #expect(try PayloadPart(.file(#require(reader), byteCount: Self.byteCount)).descriptors.count == 1)
    reader = nil
    #expect(!room.isFree)
  }

  @Test("who gets a room can neither cut it, nor write to it")
  func sealed() throws {
    let room = try PayloadRoom(byteCount: Self.byteCount)
    room.fill(bytes(5))
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
    var rooms = ResultRoom()
    let first = try rooms.part(.bytes(bytes(1)), lending: loan(board, 1, .result))
    #expect(first.room == nil)
    let second = try rooms.part(.bytes(bytes(2)), lending: loan(board, 2, .result))
    #expect(second.room != nil && second.roomNumber != 0)
    let third = try rooms.part(.bytes(bytes(3)), lending: loan(board, 3, .result))
    #expect(third.room == nil)
    #expect(try content(second.file) == 2)
    loan(board, 2, .result).giveBack()
    let fourth = try rooms.part(.bytes(bytes(4)), lending: loan(board, 4, .result))
    #expect(fourth.room === second.room)
    #expect(try content(third.file) == 3 && content(fourth.file) == 4)
  }
}
