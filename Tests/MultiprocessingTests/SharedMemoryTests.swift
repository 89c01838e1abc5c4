import CLinux
import Foundation
import Testing

@testable import Multiprocessing

@Suite("Shared memory in one process")
struct SharedMemoryTests {
  struct Point: BitwiseCopyable, Sendable, Equatable {
    var x = 0.0
    var y: Int8 = 0
  }

  /// As another process gets it: a mapping of its own.
  private func copy<Value: Codable>(_ value: Value) throws -> Value {
    let encoded = try ValueCodec.encodeWithFiles(value)
    return try ValueCodec.decode(Value.self, from: encoded.bytes, files: encoded.files)
  }

  @Test("a value passed on is the same value")
  func value() throws {
    let point = try SharedValue(Point(x: 1.5, y: -3))
    let other = try copy(point)
    other.value.x = 2
    #expect(point.value == Point(x: 2, y: -3))
    #expect(
      point.withLock {
        $0.y += 1; return $0.y
      } == -2)
    #expect(other.value.y == -2)
  }

  @Test("a change that throws is kept")
  func throwing() throws {
    struct Mishap: Error {}
    let value = try SharedValue(1)
    #expect(throws: Mishap.self) {
      try value.withLock { number throws(Mishap) in
        number = 2
        throw Mishap()
      }
    }
    #expect(value.value == 2)
  }

  @Test("the lock of a value can be taken around its accesses, and again")
  func recursion() throws {
    let counter = try SharedValue(0)
    counter.lock.withLock {
      if counter.value < 5 { counter.value += 1 }
      counter.withLock { $0 += 1 }
    }
    #expect(counter.value == 2)
  }

  @Test("threads with mappings of their own exclude each other")
  func threads() async throws {
    let counter = try SharedValue(0)
    let other = try copy(counter)
    await withTaskGroup(of: Void.self) { group in
      for counter in [counter, other] {
        group.addTask { for _ in 0..<20_000 { counter.withLock { $0 += 1 } } }
      }
    }
    #expect(counter.value == 40_000)
  }

  @Test("an array keeps its elements, its length and its order")
  func array() throws {
    let array = try SharedArray([1, 2, 3])
    let other = try copy(array)
    other[1] = 20
    array.withLock { elements in
      for index in elements.indices { elements[index] += 1 }
    }
    #expect(other.elements == [2, 21, 4])
    #expect(other.count == 3 && other.indices == 0..<3)
    #expect(try SharedArray<Int>([]).elements.isEmpty)
  }

  @Test("a lock is held by one, and waits as long as it was told")
  func timeouts() async throws {
    let lock = try SharedLock()
    let other = try copy(lock)
    let held = DispatchSemaphore(value: 0)
    let release = DispatchSemaphore(value: 0)
    let holder = Thread {
      lock.withLock {
        held.signal()
        release.wait()
      }
    }
    holder.start()
    waitBlocking(held)
    #expect(other.withLock(timeout: .milliseconds(20)) { _ in 1 } == nil)
    release.signal()
    #expect(other.withLock(timeout: .seconds(10)) { grant in grant.previousHolderDied } == false)
  }

  private func waitBlocking(_ semaphore: DispatchSemaphore) { semaphore.wait() }

  @Test("a thread that ends with the lock counts as a holder that died")
  func deadThread() throws {
    let lock = try SharedLock()
    let thread = Thread { abandon(lock) }
    thread.start()
    while !thread.isFinished { sched_yield() }
    let grant = lock.withLock(timeout: .seconds(10)) { $0 }
    #expect(grant?.previousHolderDied == true)
    #expect(lock.withLock { $0.previousHolderDied } == false)
  }

  @Test("what was made as something else is refused")
  func disagreement() throws {
    let value = try SharedValue(1)
    let encoded = try ValueCodec.encodeWithFiles(value)
    #expect(throws: ValueCodingError.self) {
      try ValueCodec.decode(SharedValue<Point>.self, from: encoded.bytes, files: encoded.files)
    }
    #expect(throws: ValueCodingError.self) {
      try ValueCodec.decode(SharedArray<Int>.self, from: encoded.bytes, files: encoded.files)
    }
    let file = SharedFile(owning: open("/dev/null", O_RDWR))
    #expect(throws: ValueCodingError.self) {
      try ValueCodec.decode(SharedValue<Int>.self, from: encoded.bytes, files: [file])
    }
    let resizable = SharedFile(owning: linux_memfd_create("test"))
    ftruncate(resizable.descriptor, 4096)
    #expect(throws: ValueCodingError.self) {
      try ValueCodec.decode(SharedValue<Int>.self, from: encoded.bytes, files: [resizable])
    }
  }

  @Test("more than memory can hold is refused")
  func tooMuch() throws {
    #expect(throws: MultiprocessingError.self) { try SharedArray(repeating: 0, count: .max) }
    #expect(throws: MultiprocessingError.self) { try SharedArray(repeating: 0, count: 1 << 44) }
  }

  @Test("encoded by JSON, each of them says why it cannot be")
  func json() throws {
    let (receiver, sender) = try Multiprocessing.Pipe.oneWay(of: Int.self)
    let things: [any Encodable] = [
      try SharedValue(1), try SharedArray([1]), try SharedLock(), try SharedQueue<Int>(capacity: 1), receiver, sender,
    ]
    for thing in things {
      let error = #expect(throws: EncodingError.self) { try JSONEncoder().encode(AnyThing(thing)) }
      #expect("\(error!)".contains("open file"), "\(error!)")
    }
  }

  private struct AnyThing: Encodable {
    let thing: any Encodable
    init(_ thing: any Encodable) { self.thing = thing }
    func encode(to encoder: any Encoder) throws { try thing.encode(to: encoder) }
  }
}

/// Takes the lock for good; a function that is not asynchronous may.
private func abandon(_ lock: SharedLock) { lock.lock() }
