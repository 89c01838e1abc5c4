// The messages between an acceptor and one of its workers, over their private socket pair: a call goes down, progress and
// one answer come up, or a crash notice. A payload longer than `inlineBytes`, or one that is a file, goes as a descriptor.

import CLinux
import Glibc

/// How a payload travels: within the message, or beside it.
struct PayloadPart {
  let inline: [UInt8]
  /// Kept open until the message is sent; the receiver has its own from then on.
  let file: SharedFile?
  let byteCount: Int

  /// Half of what a message may hold; a memory file costs some 20 µs, as much as copying this much twice.
  static let inlineBytes = 32 * 1024

  init(_ payload: Payload) throws(MultiprocessingError) {
    byteCount = payload.byteCount
    switch payload {
    case .bytes(let bytes) where bytes.count <= Self.inlineBytes:
      inline = bytes
      file = nil
    case .bytes(let bytes):
      inline = []
      file = SharedFile(try SealedMemory.write(bytes))
    case .file(let given, _):
      inline = []
      file = given
    }
  }

  var descriptors: [Int32] { file.map { [$0.descriptor] } ?? [] }

  func put(into frame: inout FrameWriter) {
    frame.put(UInt8(file == nil ? 0 : 1))
    frame.put(Int64(byteCount))
    frame.put(inline)
  }

  static func take(from frame: inout FrameReader, _ descriptors: inout ReceivedDescriptors) -> Payload? {
    guard let isFile = frame.take(UInt8.self), let count = frame.take(Int64.self), count >= 0 else { return nil }
    if isFile == 0 { return frame.take(count: Int(count)).map { .bytes($0) } }
    guard let descriptor = descriptors.take() else { return nil }
    return .file(descriptor, byteCount: Int(count))
  }
}

/// Acceptor to worker: do this.
struct CallFrame {
  /// The number of a call that prepares its worker for all others, and is answered by none but its failure.
  static let initializer: UInt64 = 0

  var number: UInt64
  var function: Int
  var deadlineNanoseconds: UInt64?
  /// Soft limit of RLIMIT_DATA, in bytes beyond what the worker was born with.
  var dataLimitBytes: UInt64?
  var header: [UInt8]
  /// Open files of values in the argument.
  var files: [SharedFile] = []

  func encoded(with payload: PayloadPart) -> [UInt8] {
    var frame = FrameWriter(reserving: 48 + header.count + payload.inline.count)
    frame.put(number)
    frame.put(UInt32(function))
    frame.put(deadlineNanoseconds ?? .max)
    frame.put(dataLimitBytes ?? .max)
    frame.put(UInt32(header.count))
    frame.put(header)
    frame.put(UInt8(files.count))
    payload.put(into: &frame)
    return frame.bytes
  }

  /// What goes along with the message: the payload's file comes first.
  func descriptors(with payload: PayloadPart) -> [Int32] {
    files.isEmpty ? payload.descriptors : payload.descriptors + files.map(\.descriptor)
  }

  static func take(
    from frame: inout FrameReader, _ descriptors: inout ReceivedDescriptors
  ) -> (CallFrame, Payload)? {
    guard let number = frame.take(UInt64.self), let function = frame.take(UInt32.self),
      let deadline = frame.take(UInt64.self), let limit = frame.take(UInt64.self),
      let headerCount = frame.take(UInt32.self), let header = frame.take(count: Int(headerCount)),
      let fileCount = frame.take(UInt8.self), let payload = PayloadPart.take(from: &frame, &descriptors),
      let files = descriptors.take(count: Int(fileCount))
    else { return nil }
    let call = CallFrame(
      number: number, function: Int(function), deadlineNanoseconds: deadline == .max ? nil : deadline,
      dataLimitBytes: limit == .max ? nil : limit, header: header, files: files)
    return (call, payload)
  }
}
