import Glibc
import Synchronization

/// What a worker says to its pool: small answers through the ring that they share, all else through their socket.
final class AnswerSender: @unchecked Sendable {
  // @unchecked: `ring` is used by the worker's main thread only; sending through the socket touches nothing of it but its
  // constant descriptor, and one message is one sendmsg(2).
  private let socket: FrameSocket
  private var ring: AnswerWriter
  private let bell: SharedFile
  /// Messages sent through the socket.
  private let sent = Atomic<UInt64>(0)

  init(_ socket: FrameSocket, _ ring: AnswerRing, bell: SharedFile) {
    self.socket = socket
    self.ring = AnswerWriter(ring)
    self.bell = bell
  }

  /// Sends progress; from any thread, but not after the answer to its call.
  func sendProgress(_ frame: [UInt8]) {
    // If the acceptor is gone, the main thread finds that out too, and ends the process.
    _ = sendThroughSocket(frame)
  }

  /// Sends an answer; 0, or the errno. On the main thread.
  func send(_ frame: [UInt8], descriptors: [Int32]) -> Int32 {
    guard descriptors.isEmpty, ring.put(frame, after: sent.load(ordering: .acquiring)) else {
      return sendThroughSocket(frame, descriptors)
    }
    return ring.mustWake() ? ringBell() : 0
  }

  /// 0, or the errno.
  private func ringBell() -> Int32 {
    var count: UInt64 = 1
    for _ in 0..<3 {
      if write(bell.descriptor, &count, MemoryLayout<UInt64>.size) > 0 { return 0 }
      if errno != EAGAIN { return errno }
      // Nobody ever rang it so often: something has written nonsense to it. Emptied, it can be rung again.
      _ = read(bell.descriptor, &count, MemoryLayout<UInt64>.size)
      count = 1
    }
    return EAGAIN
  }

  private func sendThroughSocket(_ frame: [UInt8], _ descriptors: [Int32] = []) -> Int32 {
    let code = socket.send(frame, descriptors: descriptors, waiting: true)
    if code == 0 { sent.add(1, ordering: .releasing) }
    return code
  }
}
