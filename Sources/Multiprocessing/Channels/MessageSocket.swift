import CLinux
import Glibc
import Synchronization

/// A message: the bytes of a value, and the open files in it.
typealias Message = EncodedValue

extension EncodedValue {
  init(encoding value: some Encodable) throws(ChannelError) {
    do throws(ValueCodingError) {
      self = try ValueCodec.encodeWithFiles(value)
    } catch {
      throw .value(error)
    }
  }

  func value<Value: Decodable>(_ type: Value.Type) throws(ChannelError) -> Value {
    do throws(ValueCodingError) {
      return try ValueCodec.decode(type, from: bytes, files: files)
    } catch {
      throw .value(error)
    }
  }
}

/// One end of a pair of message sockets that several threads and several processes may use at once. A message is sent and taken
/// by one system call each, so one that is killed has sent or taken a message whole, or not at all.
///
/// Long messages go as sealed memory files, which the kernel hands over without copying them.
final class MessageSocket: Sendable {
  let file: SharedFile
  private let socket: Mutex<FrameSocket>

  init(_ file: SharedFile) {
    self.file = file
    socket = Mutex(FrameSocket(file))
  }

  enum Sending {
    case sent
    /// The kernel holds as much as it may: wait until the socket is writable.
    case full
    /// The other side is gone.
    case noReceiver
  }

  enum Receiving {
    case message(Message)
    /// Nothing is there: wait until the socket is readable.
    case empty
    /// The other side is gone, and everything it sent was taken.
    case ended
  }

  /// A message in the form it is sent in.
  struct Packed {
    let frame: [UInt8]
    let files: [SharedFile]
  }

  static func pack(_ message: Message) throws(ChannelError) -> Packed {
    do throws(MultiprocessingError) {
      let payload = try PayloadPart(.bytes(message.bytes))
      var frame = FrameWriter(reserving: 16 + payload.inline.count)
      payload.put(into: &frame)
      return Packed(frame: frame.bytes, files: (payload.file.map { [$0] } ?? []) + message.files)
    } catch {
      throw .system(error)
    }
  }

  func send(_ packed: Packed) throws(ChannelError) -> Sending {
    let descriptors = packed.files.map(\.passedOn)
    let code = socket.withLock { $0.send(packed.frame, descriptors: descriptors, waiting: false) }
    switch code {
    case 0: return .sent
    case EAGAIN: return .full
    case EPIPE, ECONNRESET: return .noReceiver
    default: throw .system(MultiprocessingError("sending a message", code: code))
    }
  }

  func receive() throws(ChannelError) -> Receiving {
    let reception = socket.withLock { socket in
      socket.receive(waiting: false) { frame, descriptors -> (Payload, [SharedFile])? in
        guard let payload = PayloadPart.take(from: &frame, &descriptors) else { return nil }
        var files: [SharedFile] = []
        while let file = descriptors.take() { files.append(file) }
        return (payload, files)
      }
    }
    switch reception {
    case .message((let payload, let files)):
      do throws(MultiprocessingError) {
        return .message(Message(bytes: try payload.readAll(), files: files))
      } catch {
        throw .system(error)
      }
    case .empty: return .empty
    case .closed: return .ended
    // With no descriptor left, the kernel drops those that came with a message (unix(7), MSG_CTRUNC).
    case .garbled:
      throw .system(MultiprocessingError("receiving a message (is a descriptor left?)", code: EMFILE))
    }
  }
}
