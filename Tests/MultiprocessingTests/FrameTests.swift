import CLinux
import Glibc
import Testing

@testable import Multiprocessing

@Suite("Messages between processes")
struct FrameTests {
  private func pair() throws -> (FrameSocket, FrameSocket) {
    let ends = try DescriptorPair.sockets()
    return (
      FrameSocket(SharedFile(owning: dup(ends.first.number))), FrameSocket(SharedFile(owning: dup(ends.second.number)))
    )
  }

  @Test("a call arrives as it was sent, a large argument as a sealed file")
  func calls() throws {
    let (acceptor, worker) = try pair()
    for size in [0, 5, PayloadPart.inlineBytes, PayloadPart.inlineBytes + 1] {
      let argument = [UInt8](repeating: 9, count: size)
      let payload = try PayloadPart(.bytes(argument))
      let beside = SharedFile(try SealedMemory.write([4, 5]))
      let call = CallFrame(
        number: 3, ticket: 5, function: 1, timeoutNanoseconds: 77, measuresUsage: true, dataLimitBytes: nil,
        header: [1, 2], files: [beside])
      var message = FrameWriter()
      call.put(into: &message, payload)
      #expect(acceptor.send(message.bytes, descriptors: call.descriptors(with: payload), waiting: false) == 0)
      guard case .message(let (got, gotPayload)) = worker.receive(waiting: false, CallFrame.take) else {
        Issue.record("no call of \(size) bytes came")
        return
      }
      #expect(got.number == 3 && got.function == 1 && got.header == [1, 2])
      #expect(got.timeoutNanoseconds == 77 && got.dataLimitBytes == nil && got.ticket == 5)
      #expect(got.files.count == 1)
      if let came = got.files.first { #expect(try SealedMemory.read(came.descriptor, byteCount: 2) == [4, 5]) }
      #expect(try gotPayload.readAll() == argument)
      if case .file(let file, _) = gotPayload {
        #expect(size > PayloadPart.inlineBytes)
        #expect(ftruncate(file.descriptor, 0) != 0, "a sealed file was cut")
      }
    }
  }

  @Test("every message cut short, anywhere, is called garbled and traps nothing")
  func truncated() throws {
    let usage = WorkerUsage(cpuNanoseconds: 1, peakResidentBytes: 2)
    let whole = WorkerFrame.returned(1, usage, meta: [1, 2, 3], try PayloadPart(.bytes([4, 5, 6])), fileCount: 0)
    for count in 0..<whole.count {
      let (one, other) = try pair()
      // An empty message cannot be told from end-of-file.
      if count == 0 { continue }
      #expect(one.send(Array(whole.prefix(count)), waiting: false) == 0)
      guard case .garbled = other.receive(waiting: false, WorkerFrame.take) else {
        Issue.record("\(count) of \(whole.count) bytes passed for a message")
        return
      }
    }
  }

  @Test("a file that is announced but not sent is called garbled")
  func missingDescriptor() throws {
    let (one, other) = try pair()
    let payload = try PayloadPart(.bytes([UInt8](repeating: 1, count: PayloadPart.inlineBytes + 1)))
    let usage = WorkerUsage(cpuNanoseconds: 1, peakResidentBytes: 2)
    #expect(one.send(WorkerFrame.returned(1, usage, meta: [], payload, fileCount: 0), waiting: false) == 0)
    guard case .garbled = other.receive(waiting: false, WorkerFrame.take) else {
      Issue.record("taken")
      return
    }
  }

  @Test("a file shorter than announced is an error, not a crash")
  func shortFile() throws {
    let file = SharedFile(try SealedMemory.write([1, 2, 3]))
    #expect(throws: MultiprocessingError.self) { try Payload.file(file, byteCount: 1 << 40).readAll() }
    #expect(try Payload.file(file, byteCount: 2).readAll() == [1, 2])
  }

  @Test("several calls travel in one message, in order")
  func batch() throws {
    let (acceptor, worker) = try pair()
    var message = FrameWriter()
    for number in UInt64(1)...3 {
      let call = CallFrame(
        number: number, ticket: Int(number), function: 0, timeoutNanoseconds: nil, measuresUsage: false,
        dataLimitBytes: nil, header: [])
      call.put(into: &message, try PayloadPart(.bytes([UInt8(number)])))
    }
    #expect(acceptor.send(message.bytes, waiting: false) == 0)
    var numbers: [UInt64] = []
    _ = worker.receive(waiting: false) { frame, descriptors in
      while frame.remaining > 0, let (call, argument) = CallFrame.take(from: &frame, &descriptors) {
        numbers.append(call.number)
        guard case .bytes([UInt8(call.number)]) = argument else { return nil as Void? }
      }
      return ()
    }
    #expect(numbers == [1, 2, 3])
  }

  @Test("a sealed payload is lent in place, one that could shrink is read")
  func lent() throws {
    let sealed = Payload.file(SharedFile(try SealedMemory.write([1, 2, 3])), byteCount: 3)
    #expect(try sealed.withBytes { Array($0) } == [1, 2, 3])
    let open = SharedFile(owning: linux_memfd_create("unsealed"))
    #expect(write(open.descriptor, [4, 5] as [UInt8], 2) == 2)
    #expect(SealedMemory.map(open.descriptor, byteCount: 2) == nil)
    #expect(try Payload.file(open, byteCount: 2).withBytes { Array($0) } == [4, 5])
    SealedMemory.sealIfPossible(open.descriptor)
    #expect(linux_memfd_is_fixed(open.descriptor) == 1)
  }
}

@Suite("Memory status")
struct MemoryStatusTests {
  @Test("anonymous memory is what is resident and not shared")
  func parses() {
    let status = MemoryStatus(Array("5000 300 100 2 0 900 0\n".utf8), pageBytes: 4096)
    #expect(status?.anonymousBytes == 200 * 4096)
    #expect(status?.dataBytes == 900 * 4096)
  }

  @Test("what is not a statm line is no status")
  func refuses() {
    for text in ["", "1 2 3", "a b c d e f g", "-1 2 3 4 5 6 7"] {
      #expect(MemoryStatus(Array(text.utf8), pageBytes: 4096) == nil)
    }
  }
}
