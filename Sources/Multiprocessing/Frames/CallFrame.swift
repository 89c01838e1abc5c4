// The messages between an acceptor and one of its workers, over their private socket pair: a call goes down, progress and
// one answer come up, or a crash notice. Small answers go up through a ring in memory instead (`AnswerRing`). A payload longer than `inlineBytes`, or one that is a file, goes as a descriptor.

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

  static let empty = PayloadPart()

  private init() {
    inline = []
    file = nil
    byteCount = 0
  }

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

  /// How a message names the room that the payload is in; 0: it is in none.
  var roomNumber: UInt64 { room?.number ?? 0 }

  /// The room it is in, if it is in one of this process.
  var room: PayloadRoom? { (file?.keeper as? RoomTenant)?.room }

  /// A room of this process is to be lent before it is sent.
  var descriptors: [Int32] { file.map { [room == nil ? $0.passedOn : $0.descriptor] } ?? [] }

  func put(into frame: inout FrameWriter) {
    frame.put(UInt8(file == nil ? 0 : 1))
    frame.put(Int64(byteCount))
    frame.put(inline)
  }

  static func take(from frame: inout FrameReader, _ descriptors: inout ReceivedDescriptors) -> Payload? {
    guard let isFile = frame.take(UInt8.self), let count = frame.take(Int64.self) else { return nil }
    return take(isFile: isFile != 0, byteCount: count, from: &frame, &descriptors)
  }

  /// The same for a message that says in its own way what the payload is.
  static func take(
    isFile: Bool, byteCount: Int64, from frame: inout FrameReader, _ descriptors: inout ReceivedDescriptors
  ) -> Payload? {
    guard byteCount >= 0 else { return nil }
    if !isFile { return frame.take(count: Int(byteCount)).map { .bytes($0) } }
    guard let descriptor = descriptors.take() else { return nil }
    return .file(descriptor, byteCount: Int(byteCount))
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
  /// The number of the room that the argument is in: its maker waits to be told when it is not needed any more.
  private(set) var room: UInt64?

  /// How it begins in a message; header and payload follow.
  private struct Head: BitwiseCopyable {
    var number: UInt64
    var timeoutNanoseconds: UInt64
    var dataLimitBytes: UInt64
    var payloadBytes: Int64
    var room: UInt64
    var function: UInt32
    var headerBytes: UInt32
    var ticket: UInt16
    var measuresUsage: UInt8
    var isFile: UInt8
    var fileCount: UInt32
  }

  /// Of all that is not header or payload.
  static let fixedBytes = MemoryLayout<Head>.size

  func put(into frame: inout FrameWriter, _ payload: PayloadPart) {
    frame.put(
      Head(
        number: number, timeoutNanoseconds: timeoutNanoseconds ?? .max, dataLimitBytes: dataLimitBytes ?? .max,
        payloadBytes: Int64(payload.byteCount), room: payload.roomNumber, function: UInt32(function),
        headerBytes: UInt32(header.count), ticket: UInt16(ticket), measuresUsage: measuresUsage ? 1 : 0,
        isFile: payload.file == nil ? 0 : 1, fileCount: UInt32(files.count)))
    frame.put(header)
    frame.put(payload.inline)
  }

  /// What goes along with the message: the payload's file comes first.
  func descriptors(with payload: PayloadPart) -> [Int32] {
    files.isEmpty ? payload.descriptors : payload.descriptors + files.map(\.passedOn)
  }

  static func take(
    from frame: inout FrameReader, _ descriptors: inout ReceivedDescriptors
  ) -> (CallFrame, Payload)? {
    guard let head = frame.take(Head.self), head.ticket < TicketPage.count,
      let header = frame.take(count: Int(head.headerBytes)),
      let payload = PayloadPart.take(
        isFile: head.isFile != 0, byteCount: head.payloadBytes, from: &frame, &descriptors),
      let files = descriptors.take(count: Int(head.fileCount))
    else { return nil }
    let call = CallFrame(
      number: head.number, ticket: Int(head.ticket), function: Int(head.function),
      timeoutNanoseconds: head.timeoutNanoseconds == .max ? nil : head.timeoutNanoseconds,
      measuresUsage: head.measuresUsage != 0,
      dataLimitBytes: head.dataLimitBytes == .max ? nil : head.dataLimitBytes, header: header, files: files,
      room: head.room == 0 ? nil : head.room)
    return (call, payload)
  }
}
