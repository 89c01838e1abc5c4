// Messages between the processes of one machine and one build: fixed numbers in the host's byte order, then bytes. A reader
// checks every length all the same, because the other side may be a worker whose memory a handler has overwritten.

import CLinux
import Glibc

/// Builds one message.
struct FrameWriter {
  private(set) var bytes: [UInt8] = []

  init(reserving capacity: Int = 128) { bytes.reserveCapacity(capacity) }

  /// - Parameter value: a number, or a structure of numbers without gaps.
  mutating func put<T: BitwiseCopyable>(_ value: T) {
    withUnsafeBytes(of: value) { bytes.append(contentsOf: $0) }
  }

  mutating func put(_ more: [UInt8]) {
    if !more.isEmpty { bytes.append(contentsOf: more) }
  }

  /// Begins the next message.
  mutating func removeAll() { bytes.removeAll(keepingCapacity: true) }
}

/// Takes one message apart, in the order it was built; `nil` past its end.
struct FrameReader {
  private let bytes: UnsafeRawBufferPointer
  private var position = 0

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  var remaining: Int { bytes.count - position }

  /// The next number, which is taken later.
  func peek<T: BitwiseCopyable>(_ type: T.Type) -> T? {
    remaining >= MemoryLayout<T>.size ? bytes.loadUnaligned(fromByteOffset: position, as: T.self) : nil
  }

  mutating func take<T: BitwiseCopyable>(_ type: T.Type) -> T? {
    guard remaining >= MemoryLayout<T>.size else { return nil }
    defer { position += MemoryLayout<T>.size }
    return bytes.loadUnaligned(fromByteOffset: position, as: T.self)
  }

  mutating func take(count: Int) -> [UInt8]? {
    guard count >= 0, remaining >= count else { return nil }
    if count == 0 { return [] }
    defer { position += count }
    return [UInt8](bytes[position..<position + count])
  }
}

/// What one receive gave.
enum Reception<Message> {
  case message(Message)
  /// Nothing there now.
  case empty
  /// The other side is gone.
  case closed
  /// What came cannot be a message of ours.
  case garbled
}

/// One end of a message socket: sends frames, receives them into one buffer that is used again and again.
///
/// A class, because the buffer has an address; used by one thread at a time.
final class FrameSocket {
  let descriptor: Int32
  private let owned: SharedFile
  private let buffer: UnsafeMutableRawBufferPointer
  /// Longest message; below the default limit of a Unix socket (net.core.wmem_default, 212,992 bytes).
  static let longestFrame = 160 * 1024
  /// Descriptors that go with one message: a payload's, and those of the values in it.
  static let mostDescriptors = 1 + PoolCall.mostFiles

  init(_ descriptor: SharedFile) {
    self.descriptor = descriptor.descriptor
    owned = descriptor
    buffer = .allocate(byteCount: Self.longestFrame, alignment: 16)
  }

  convenience init(_ descriptor: consuming OwnedDescriptor) { self.init(SharedFile(descriptor)) }

  deinit { buffer.deallocate() }

  /// Sends one message; 0, or the errno.
  func send(_ bytes: [UInt8], descriptors: [Int32] = [], waiting: Bool) -> Int32 {
    precondition(bytes.count <= Self.longestFrame, "a frame is longer than a frame may be")
    while true {
      let flags = waiting ? 0 : Int32(MSG_DONTWAIT)
      let count = linux_send_with_fds(
        descriptor, bytes, bytes.count, descriptors, Int32(descriptors.count), flags)
      if count >= 0 { return 0 }
      if errno != EINTR { return errno }
    }
  }

  /// Receives one message and lets `decode` take it apart; the descriptors that came with it are `decode`'s to keep, and
  /// those it leaves are closed. `decode` gives `nil` for a message that makes no sense.
  ///
  /// - Parameter peeking: the message stays there too.
  func receive<Message>(
    waiting: Bool, peeking: Bool = false, _ decode: (inout FrameReader, inout ReceivedDescriptors) -> Message?
  ) -> Reception<Message> {
    var numbers = ReceivedDescriptors.Numbers(repeating: -1)
    var room = Int32(Self.mostDescriptors)
    var truncated: Int32 = 0
    let flags = (waiting ? 0 : Int32(MSG_DONTWAIT)) | (peeking ? Int32(MSG_PEEK) : 0)
    var count = 0
    repeat {
      room = Int32(Self.mostDescriptors)
      count = withUnsafeMutableBytes(of: &numbers) { raw in
        linux_receive_with_fds(
          descriptor, buffer.baseAddress, buffer.count, raw.bindMemory(to: Int32.self).baseAddress, &room, &truncated,
          flags)
      }
      // ECONNRESET: the other side closed with a message of ours unread. It is said once, ahead of messages that still wait
      // to be read (net/unix/af_unix.c, unix_release_sock).
    } while count < 0 && (errno == EINTR || errno == ECONNRESET)
    if count < 0 { return errno == EAGAIN ? .empty : .closed }
    var descriptors = ReceivedDescriptors(numbers, count: Int(room))
    defer { descriptors.closeRest() }
    if count == 0 { return .closed }
    if truncated != 0 { return .garbled }
    var reader = FrameReader(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
    guard let message = decode(&reader, &descriptors) else { return .garbled }
    return .message(message)
  }
}

/// Descriptors that came with a message, in the order they were sent.
struct ReceivedDescriptors {
  typealias Numbers = InlineArray<17, Int32>
  private var numbers: Numbers
  private let count: Int
  private var next = 0

  init(_ numbers: Numbers, count: Int) {
    precondition(FrameSocket.mostDescriptors == numbers.count, "there is room for as many as may come")
    self.numbers = numbers
    self.count = count
  }

  /// What comes without a socket has none.
  static var none: ReceivedDescriptors { ReceivedDescriptors(Numbers(repeating: -1), count: 0) }

  mutating func take() -> SharedFile? {
    guard next < count else { return nil }
    defer { next += 1 }
    return SharedFile(owning: numbers[next])
  }

  /// `count` of them; `nil`: so many did not come.
  mutating func take(count: Int) -> [SharedFile]? {
    if count == 0 { return [] }
    var files: [SharedFile] = []
    for _ in 0..<count {
      guard let file = take() else { return nil }
      files.append(file)
    }
    return files
  }

  mutating func closeRest() {
    while take() != nil {}
  }
}
