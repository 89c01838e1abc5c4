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

/// Acceptor to worker: do this. One message may hold several, one behind the other, if no descriptors go with them.
struct CallFrame {
  /// The number of a call that prepares its worker for all others, and is answered by none but its failure.
  static let initializer: UInt64 = 0

  var number: UInt64
  /// Where the call's ticket is on the worker's page.
  var ticket: Int
  var function: Int
  /// From when it begins.
  var timeoutNanoseconds: UInt64?
  /// The answer tells what the call used.
  var measuresUsage: Bool
  /// Soft limit of RLIMIT_DATA, in bytes beyond what the worker was born with.
  var dataLimitBytes: UInt64?
  var header: [UInt8]
  /// Open files of values in the argument.
  var files: [SharedFile] = []

  /// More than all that is not header or payload.
  static let fixedBytes = 64

  func put(into frame: inout FrameWriter, _ payload: PayloadPart) {
    frame.put(number)
    frame.put(UInt16(ticket))
    frame.put(UInt8(measuresUsage ? 1 : 0))
    frame.put(UInt32(function))
    frame.put(timeoutNanoseconds ?? .max)
    frame.put(dataLimitBytes ?? .max)
    frame.put(UInt32(header.count))
    frame.put(header)
    frame.put(UInt8(files.count))
    payload.put(into: &frame)
  }

  /// What goes along with the message: the payload's file comes first.
  func descriptors(with payload: PayloadPart) -> [Int32] {
    files.isEmpty ? payload.descriptors : payload.descriptors + files.map(\.descriptor)
  }

  static func take(
    from frame: inout FrameReader, _ descriptors: inout ReceivedDescriptors
  ) -> (CallFrame, Payload)? {
    guard let number = frame.take(UInt64.self), let ticket = frame.take(UInt16.self), ticket < TicketPage.count,
      let measures = frame.take(UInt8.self), let function = frame.take(UInt32.self),
      let timeout = frame.take(UInt64.self), let limit = frame.take(UInt64.self),
      let headerCount = frame.take(UInt32.self), let header = frame.take(count: Int(headerCount)),
      let fileCount = frame.take(UInt8.self), let payload = PayloadPart.take(from: &frame, &descriptors),
      let files = descriptors.take(count: Int(fileCount))
    else { return nil }
    let call = CallFrame(
      number: number, ticket: Int(ticket), function: Int(function),
      timeoutNanoseconds: timeout == .max ? nil : timeout, measuresUsage: measures != 0,
      dataLimitBytes: limit == .max ? nil : limit, header: header, files: files)
    return (call, payload)
  }

  /// All calls of a message; `nil`: it makes no sense.
  static func takeAll(
    from frame: inout FrameReader, _ descriptors: inout ReceivedDescriptors
  ) -> [(CallFrame, Payload)]? {
    var calls: [(CallFrame, Payload)] = []
    repeat {
      guard let call = take(from: &frame, &descriptors) else { return nil }
      calls.append(call)
    } while frame.remaining > 0
    return calls
  }
}
