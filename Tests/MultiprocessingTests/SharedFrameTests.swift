import Glibc
import Testing

@testable import Multiprocessing

/// The messages of launchers and of dictionaries' owners: what was sent comes, and what is cut short makes no sense.
@Suite("Frames of child processes and dictionaries")
struct SharedFrameTests {
  private func read<Message>(
    _ bytes: some Collection<UInt8>, _ take: (inout FrameReader, inout ReceivedDescriptors) -> Message?
  ) -> Message? {
    var none = ReceivedDescriptors(.init(repeating: -1), count: 0)
    return Array(bytes).withUnsafeBytes { raw in
      var reader = FrameReader(raw)
      return take(&reader, &none)
    }
  }

  @Test("an order for a child process comes whole or makes no sense")
  func childOrder() throws {
    let order = ChildOrder(name: "näme", function: 7, argument: .bytes([1, 2, 3]), files: [])
    var frame = FrameWriter()
    order.put(into: &frame, try PayloadPart(order.argument))
    let back = try #require(read(frame.bytes, ChildOrder.take))
    #expect(back.name == "näme" && back.function == 7)
    #expect(try back.argument.readAll() == [1, 2, 3])
    for count in 0..<frame.bytes.count { #expect(read(frame.bytes.prefix(count), ChildOrder.take) == nil) }
  }

  @Test("a birth without its pidfd makes no sense")
  func childFrames() {
    #expect(read(ChildFrame.born(5), ChildFrame.take) == nil)
    guard case .ended(let status) = read(ChildFrame.ended(status: 9), ChildFrame.take) else {
      return #expect(Bool(false), "no end")
    }
    #expect(ProcessEnd(status: status) == .signal(SIGKILL))
    #expect(ProcessEnd(status: 7 << 8) == .exited(7))
    #expect(ProcessEnd.signal(SIGTERM).exitCode == -15 && "\(ProcessEnd.signal(SIGTERM))" == "SIGTERM")
  }

  @Test("each request to a dictionary's owner comes whole or makes no sense")
  func dictionaryRequests() throws {
    let value = StoredValue(payload: .bytes([4, 5]), files: [])
    let requests: [DictionaryRequest] = [
      .get(key: [1]), .set(key: [], value), .remove(key: [2]), .replace(key: [3], ifVersion: 9, value),
      .replace(key: [3], ifVersion: 0, nil), .keys, .count, .removeAll,
    ]
    for request in requests {
      let bytes = try request.encoded().frame
      let back = try #require(read(bytes, DictionaryRequest.take))
      #expect(try back.encoded().frame == bytes)
      for count in 0..<bytes.count { #expect(read(bytes.prefix(count), DictionaryRequest.take) == nil) }
    }
    #expect(throws: MultiprocessingError.self) {
      try DictionaryRequest.get(key: [UInt8](repeating: 0, count: 100_000)).encoded()
    }
  }

  @Test("each reply of a dictionary's owner comes whole or makes no sense")
  func dictionaryReplies() throws {
    let value = StoredValue(payload: .bytes([4, 5]), files: [])
    for reply in [DictionaryReply.done(number: 3, value), .absent, .conflict, .failed(code: EMFILE)] {
      let bytes = try reply.encoded().frame
      #expect(try read(bytes, DictionaryReply.take)?.encoded().frame == bytes)
      for count in 0..<bytes.count { #expect(read(bytes.prefix(count), DictionaryReply.take) == nil) }
    }
  }

  @Test("an overwritten place of a queue is refused")
  func queueItems() throws {
    let slot = UnsafeMutableRawBufferPointer.allocate(byteCount: QueueRing.slotBytes, alignment: 16)
    defer { slot.deallocate() }
    slot.initializeMemory(as: UInt8.self, repeating: 0)
    try QueueItem(Message(bytes: [1, 2, 3], files: [])).write(to: slot, ticket: 0)
    #expect(try QueueItem(readingFrom: slot)?.message().bytes == [1, 2, 3])
    slot.initializeMemory(as: UInt8.self, repeating: 0xff)
    #expect(QueueItem(readingFrom: slot) == nil)
    slot.storeBytes(of: 1 << 40, toByteOffset: 8, as: Int.self)
    #expect(QueueItem(readingFrom: slot) == nil)
  }
}
