import CLinux
import EventLoop
import Glibc
import Synchronization
import Testing

@testable import Multiprocessing

@Suite("Views of rooms")
struct RoomViewTests {
  private static let byteCount = PayloadRoom.shortest
  private let board: TicketBoard

  init() throws { board = try TicketBoard() }

  private func room(_ byte: UInt8, byteCount: Int = byteCount) throws -> PayloadRoom {
    let room = try PayloadRoom(byteCount: byteCount)
    room.fill { _ = $0.initializeMemory(as: UInt8.self, repeating: byte) }
    return room
  }

  /// What is in a room, as it comes to a reader.
  private func lent(
    _ room: PayloadRoom, _ views: RoomViews, as number: UInt64? = nil, byteCount: Int = byteCount
  ) -> Payload {
    let payload = Payload.file(SharedFile(owning: dup(room.file.descriptor)), byteCount: byteCount)
    let loan = RoomLoan(board: board, page: board.page(0), direction: .result, call: 1)
    let number = number ?? room.number
    return payload.borrowed(loan, in: number, view: views.view(of: number, byteCount: byteCount))
  }

  private func content(_ payload: Payload?) throws -> UInt8? { try payload?.withBytes { $0[$0.count - 1] } }

  /// How often this process has a room mapped, its maker's mapping left out.
  private func mappings(of room: PayloadRoom) throws -> Int {
    var status = stat()
    try #require(fstat(room.file.descriptor, &status) == 0)
    let file = try #require(fopen("/proc/self/maps", "r"))
    defer { fclose(file) }
    var count = 0
    var line = [CChar](repeating: 0, count: 1024)
    while fgets(&line, Int32(line.count), file) != nil {
      let text = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
      let fields = text.split(separator: " ")
      if fields.count > 4, fields[1] == "r--s", fields[4] == "\(status.st_ino)" { count += 1 }
    }
    return count
  }

  @Test("the second payload in a room is read where the first was")
  func again() throws {
    let views = RoomViews(hasTasks: false)
    let room = try room(1)
    var payload: Payload? = lent(room, views)
    #expect(try mappings(of: room) == 0, "nobody has looked")
    #expect(try content(payload) == 1)
    let address = try payload?.withBytes { $0.baseAddress }
    payload = nil
    #expect(try mappings(of: room) == 1 && views.mappedBytes == Self.byteCount)
    room.fill { _ = $0.initializeMemory(as: UInt8.self, repeating: 2) }
    payload = lent(room, views)
    #expect(try content(payload) == 2)
    #expect(try payload?.withBytes { $0.baseAddress } == address)
    #expect(try mappings(of: room) == 1)
  }

  @Test("two rooms have two numbers, and two views")
  func others() throws {
    let views = RoomViews(hasTasks: false)
    let (one, other) = (try room(1), try room(2))
    #expect(one.number != other.number)
    let payloads = [lent(one, views), lent(other, views), lent(one, views)]
    #expect(try payloads.map(content) == [1, 2, 1])
    #expect(try mappings(of: one) == 1 && mappings(of: other) == 1)
  }

  @Test("a payload that is held keeps its view, whatever becomes of the others; the last unmaps it")
  func held() throws {
    let views = RoomViews(hasTasks: false)
    let (one, other) = (try room(1), try room(2))
    var payloads = [lent(one, views), lent(one, views)]
    #expect(try payloads.map(content) == [1, 1])
    views.leaveAll()
    #expect(views.mappedBytes == 0)
    #expect(try content(lent(other, views)) == 2)
    #expect(try mappings(of: one) == 1)
    payloads.removeLast()
    #expect(try content(payloads.last) == 1)
    payloads = []
    #expect(try mappings(of: one) == 0)
  }

  @Test("no more views are kept than may be, in number and in bytes: the one needed longest ago goes first")
  func bounds() throws {
    let views = RoomViews(hasTasks: false)
    let rooms = try (0...RoomViews.most).map { try room(UInt8($0)) }
    // The last but one pushes out none, and the last the second, because the first was needed again.
    for index in Array(0..<RoomViews.most) + [0, RoomViews.most] {
      #expect(try content(lent(rooms[index], views)) == UInt8(index))
    }
    #expect(try rooms.map(mappings) == [1, 0, 1, 1, 1])
    // Without a look nothing is mapped: these are numbers only.
    let many = RoomViews(hasTasks: false)
    #expect(try content(lent(rooms[0], many)) == 0)
    for number in UInt64(1000)...1001 { _ = many.view(of: number, byteCount: PayloadRoom.longest) }
    #expect(many.mappedBytes == 0, "kept beside as many bytes as may be kept")
  }

  @Test("what was not needed for long is let go of, and nothing else")
  func idle() throws {
    let views = RoomViews(hasTasks: false)
    let room = try room(1)
    let before = MonotonicClock.now
    #expect(try content(lent(room, views)) == 1)
    views.leaveIdle(now: before &+ PayloadRoom.mostIdle.nanosecondsClamped &- 1)
    #expect(try mappings(of: room) == 1)
    views.leaveIdle(now: MonotonicClock.now &+ PayloadRoom.mostIdle.nanosecondsClamped)
    #expect(try mappings(of: room) == 0 && views.isEmpty)
  }

  @Test("a maker that lies about numbers and sizes garbles its own payloads, and kills nobody")
  func lies() throws {
    let views = RoomViews(hasTasks: false)
    let (one, other) = (try room(1), try room(2))
    #expect(try content(lent(one, views, as: 5)) == 1)
    #expect(try content(lent(other, views, as: 5)) == 1, "the bytes of the room that had the number first")
    #expect(try content(lent(one, views, as: 6, byteCount: Self.byteCount)) == 1)
    // Longer than it is: not in its view, not in another, and not beyond its end.
    for number in [UInt64(5), 6, 7] {
      let payload = lent(one, views, as: number, byteCount: Self.byteCount + 1)
      #expect(throws: MultiprocessingError.self) { try content(payload) }
    }
    #expect(views.view(of: 8, byteCount: PayloadRoom.longest + 1) == nil)
    #expect(views.view(of: 8, byteCount: 0) == nil)
  }

  @Test("a file that could be cut short is copied, whatever room it is said to be")
  func unsealed() throws {
    let views = RoomViews(hasTasks: false)
    let file = SharedFile(owning: linux_memfd_create("unsealed"))
    let bytes = [UInt8](repeating: 4, count: Self.byteCount)
    #expect(write(file.descriptor, bytes, bytes.count) == bytes.count)
    let loan = RoomLoan(board: board, page: board.page(0), direction: .result, call: 1)
    let payload = Payload.file(file, byteCount: Self.byteCount)
      .borrowed(loan, in: 1, view: views.view(of: 1, byteCount: Self.byteCount))
    #expect(try content(payload) == 4)
    #expect(views.mappedBytes == 0)
  }

  @Test("many threads that look at one payload map it once")
  func threads() async throws {
    let views = RoomViews(hasTasks: false)
    let room = try room(3)
    let payload = lent(room, views)
    let seen = try await withThrowingTaskGroup(of: UInt8?.self) { group in
      for _ in 0..<32 { group.addTask { try payload.withBytes { $0[0] } } }
      return try await group.reduce(into: [UInt8?]()) { $0.append($1) }
    }
    #expect(seen == [UInt8?](repeating: 3, count: 32))
    #expect(try mappings(of: room) == 1)
  }
}
