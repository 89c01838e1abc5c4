import CLinux
import Glibc

/// What carries the open files of a queue's items: a pair of sockets, both ends of which every process with the queue holds. Used
/// under the queue's lock. The kernel lets some 250 messages wait in it.
final class QueueCarrier: @unchecked Sendable {
  // @unchecked: used under the queue's lock only.
  private let sending: FrameSocket
  private let receiving: FrameSocket
  let files: [SharedFile]

  convenience init() throws(MultiprocessingError) {
    let ends = try DescriptorPair.sockets()
    self.init(sending: SharedFile(ends.first), receiving: SharedFile(ends.second))
  }

  init(sending: SharedFile, receiving: SharedFile) {
    self.sending = FrameSocket(sending)
    self.receiving = FrameSocket(receiving)
    files = [sending, receiving]
  }

  /// False: the kernel will not hold more messages.
  func send(_ files: [SharedFile], ticket: UInt64) throws(MultiprocessingError) -> Bool {
    var frame = FrameWriter(reserving: 8)
    frame.put(ticket)
    let code = sending.send(frame.bytes, descriptors: files.map(\.passedOn), waiting: false)
    switch code {
    case 0: return true
    case EAGAIN: return false
    default: throw MultiprocessingError("sending the open files of a queue's item", code: code)
    }
  }

  /// The files of a ticket, which stay there as well. What is there of earlier tickets is stale and dropped.
  func look(ticket: UInt64, count: Int) throws(MultiprocessingError) -> [SharedFile] {
    if ticket > 0 { drop(upTo: ticket - 1) }
    let reception = receiving.receive(waiting: false, peeking: true) { frame, descriptors -> [SharedFile]? in
      guard frame.take(UInt64.self) == ticket else { return nil }
      return descriptors.take(count: count)
    }
    guard case .message(let files) = reception else {
      throw MultiprocessingError("receiving the open files of a queue's item (is a descriptor left?)", code: EMFILE)
    }
    return files
  }

  /// Drops what has this ticket, or an earlier one.
  func drop(upTo ticket: UInt64) {
    var first: UInt64 = 0
    let size = MemoryLayout<UInt64>.size
    while recv(receiving.descriptor, &first, size, Int32(MSG_PEEK) | Int32(MSG_DONTWAIT)) == size {
      if first > ticket { return }
      // Received without room for its files, which are closed then.
      _ = recv(receiving.descriptor, &first, size, Int32(MSG_DONTWAIT))
    }
  }
}
