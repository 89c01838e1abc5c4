// The way of a worker's answers to its pool: a ring in memory that only those two share. The worker puts an answer there and
// goes on; the pool takes it out; a system call is made only to wake a pool that sleeps. What does not fit, or has open files
// with it, goes through the socket, and the order of the two is kept.
//
// Each side has its own count of bytes, so there is no lock to hold and nothing to repair: an answer is there when `put` is
// stored, and a worker that dies before has not answered. What is in the memory is believed by nobody: it is copied out
// before it is taken apart, and a count that cannot be makes the worker one that talks nonsense.

import Glibc
import Synchronization

/// Where the ring is: on the page of its worker (``TicketPage``).
struct AnswerRing: @unchecked Sendable {
  // @unchecked: counts are accessed by atomics; the bytes between them belong to one side at a time.
  fileprivate let counts: UnsafeMutablePointer<Atomic<UInt64>>
  fileprivate let bytes: UnsafeMutableRawPointer

  static let byteCount = countBytes + capacity
  /// A power of two. Answers of small calls take some 80 bytes; as many as one worker may have at a time fit.
  static let capacity = 16 * 1024
  /// A longer answer goes through the socket: copying it there and back costs more than the system calls.
  static let longest = 2048
  /// Each count has a cache line of its own, so that the two sides do not take it from each other.
  private static let countBytes = 3 * 64

  init(_ memory: UnsafeMutableRawPointer) {
    // Zeroed memory is a valid Atomic<UInt64>, and an empty ring.
    counts = memory.bindMemory(to: Atomic<UInt64>.self, capacity: Self.countBytes / 8)
    bytes = memory + Self.countBytes
  }

  fileprivate enum Count: Int {
    /// Bytes ever put, by the worker, and ever taken, by the pool.
    case put, taken
    /// 1: the pool is about to sleep, and wants to be woken.
    case sleeping
  }

  fileprivate func load(_ count: Count, ordered: Bool = false) -> UInt64 {
    let word = counts + count.rawValue * 8
    return ordered ? word.pointee.load(ordering: .sequentiallyConsistent) : word.pointee.load(ordering: .acquiring)
  }

  fileprivate func store(_ count: Count, _ value: UInt64, ordered: Bool = false) {
    let word = counts + count.rawValue * 8
    if ordered {
      word.pointee.store(value, ordering: .sequentiallyConsistent)
    } else {
      word.pointee.store(value, ordering: .releasing)
    }
  }

  /// For the worker that gets the page next.
  func clear() {
    for count in [Count.put, .taken, .sleeping] { store(count, 0) }
  }

  /// How an answer begins in the ring; its bytes follow, up to a multiple of 8.
  fileprivate struct Head: BitwiseCopyable {
    /// Messages that its worker sent through the socket before.
    var sent: UInt64
    var byteCount: UInt64
  }

  fileprivate static func room(for byteCount: Int) -> Int {
    MemoryLayout<Head>.size + (byteCount + 7) / 8 * 8
  }

  fileprivate func write(_ source: UnsafeRawBufferPointer, at position: UInt64) {
    let start = Int(position % UInt64(Self.capacity))
    let first = min(source.count, Self.capacity - start)
    (bytes + start).copyMemory(from: source.baseAddress!, byteCount: first)
    if first < source.count { bytes.copyMemory(from: source.baseAddress! + first, byteCount: source.count - first) }
  }

  fileprivate func read(_ target: UnsafeMutableRawBufferPointer, at position: UInt64) {
    let start = Int(position % UInt64(Self.capacity))
    let first = min(target.count, Self.capacity - start)
    target.baseAddress!.copyMemory(from: bytes + start, byteCount: first)
    if first < target.count { (target.baseAddress! + first).copyMemory(from: bytes, byteCount: target.count - first) }
  }
}

/// The worker's side. Used by one thread at a time.
struct AnswerWriter {
  private let ring: AnswerRing
  private var put: UInt64 = 0
  /// As it was when it was last looked at: at least so much is free.
  private var taken: UInt64 = 0

  init(_ ring: AnswerRing) { self.ring = ring }

  /// Puts an answer into the ring; false: it does not fit, and must go through the socket.
  ///
  /// - Parameter sent: messages sent through the socket up to now.
  mutating func put(_ answer: [UInt8], after sent: UInt64) -> Bool {
    if answer.isEmpty || answer.count > AnswerRing.longest { return false }
    let room = AnswerRing.room(for: answer.count)
    if put &- taken &+ UInt64(room) > UInt64(AnswerRing.capacity) {
      taken = ring.load(.taken)
      if put &- taken &+ UInt64(room) > UInt64(AnswerRing.capacity) { return false }
    }
    let head = AnswerRing.Head(sent: sent, byteCount: UInt64(answer.count))
    withUnsafeBytes(of: head) { ring.write($0, at: put) }
    answer.withUnsafeBytes { ring.write($0, at: put &+ UInt64(MemoryLayout<AnswerRing.Head>.size)) }
    put &+= UInt64(room)
    // Ordered against the pool's `sleeping`: either it sees the answer before it sleeps, or this side sees that it sleeps.
    ring.store(.put, put, ordered: true)
    return true
  }

  /// Whether the pool sleeps and must be woken; it is told so once.
  func mustWake() -> Bool {
    if ring.load(.sleeping, ordered: true) == 0 { return false }
    ring.store(.sleeping, 0)
    return true
  }
}

/// The pool's side.
struct AnswerReader {
  private let ring: AnswerRing
  private var taken: UInt64 = 0

  init(_ ring: AnswerRing) { self.ring = ring }

  enum Next {
    /// Its bytes are in the buffer.
    case answer(UnsafeRawBufferPointer)
    case none
    /// The worker has sent a message through the socket before the next answer: that is to be received first.
    case later
    case garbled
  }

  var isEmpty: Bool { ring.load(.put) == taken }

  /// Takes the next answer out.
  ///
  /// - Parameters:
  ///   - received: messages of the worker's that were received through the socket, and handed on.
  ///   - buffer: at least ``AnswerRing/longest`` bytes.
  mutating func next(after received: UInt64, into buffer: UnsafeMutableRawBufferPointer) -> Next {
    let put = ring.load(.put)
    let there = put &- taken
    if there == 0 { return .none }
    if there > UInt64(AnswerRing.capacity) { return .garbled }
    var head = AnswerRing.Head(sent: 0, byteCount: 0)
    withUnsafeMutableBytes(of: &head) { ring.read($0, at: taken) }
    guard head.byteCount <= UInt64(AnswerRing.longest) else { return .garbled }
    let byteCount = Int(head.byteCount)
    let room = UInt64(AnswerRing.room(for: byteCount))
    if room > there { return .garbled }
    if head.sent > received { return .later }
    let answer = UnsafeMutableRawBufferPointer(rebasing: buffer[..<byteCount])
    ring.read(answer, at: taken &+ UInt64(MemoryLayout<AnswerRing.Head>.size))
    taken &+= room
    ring.store(.taken, taken)
    return .answer(UnsafeRawBufferPointer(answer))
  }

  /// The pool wants to be woken by the next answer, though it may not sleep then.
  func listen() { ring.store(.sleeping, 1, ordered: true) }

  /// The pool is about to sleep, and wants to be woken by the next answer. False: there is one already.
  func prepareToSleep() -> Bool {
    listen()
    if ring.load(.put, ordered: true) == taken { return true }
    wake()
    return false
  }

  /// The pool is awake.
  func wake() { ring.store(.sleeping, 0) }
}
