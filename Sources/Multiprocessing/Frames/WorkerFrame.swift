import Glibc

/// Worker to acceptor.
enum WorkerFrame {
  case progress(call: UInt64, [UInt8])
  case returned(call: UInt64, WorkerUsage, meta: [UInt8], Payload, files: [SharedFile])
  case threw(call: UInt64, WorkerUsage, [UInt8])
  /// The call did not begin, because the pool's initializer threw this.
  case unprepared(call: UInt64, WorkerUsage, [UInt8])
  case crashing(call: UInt64, signal: Int32, WorkerUsage, backtrace: SharedFile?)

  enum Kind: UInt32 {
    case progress = 1
    case returned, threw, crashing, unprepared
  }

  static func progress(_ call: UInt64, _ bytes: [UInt8]) -> [UInt8] {
    var frame = FrameWriter(reserving: 16 + bytes.count)
    frame.put(Kind.progress.rawValue)
    frame.put(call)
    frame.put(bytes)
    return frame.bytes
  }

  /// Goes with the payload's file, if it is one, and then `fileCount` files of values in it.
  static func returned(
    _ call: UInt64, _ usage: WorkerUsage, meta: [UInt8], _ payload: PayloadPart, fileCount: Int
  ) -> [UInt8] {
    var frame = FrameWriter(reserving: MemoryLayout<ReturnHead>.size + meta.count + payload.inline.count)
    frame.put(
      ReturnHead(
        kind: Kind.returned.rawValue, metaBytes: UInt32(meta.count), call: call,
        cpuNanoseconds: usage.cpuNanoseconds, peakResidentBytes: usage.peakResidentBytes,
        payloadBytes: Int64(payload.byteCount), room: payload.roomNumber, isFile: payload.file == nil ? 0 : 1,
        fileCount: UInt32(fileCount)))
    frame.put(meta)
    frame.put(payload.inline)
    return frame.bytes
  }

  /// How `returned` begins in a message; meta bytes and payload follow.
  private struct ReturnHead: BitwiseCopyable {
    var kind: UInt32
    var metaBytes: UInt32
    var call: UInt64
    var cpuNanoseconds: UInt64
    var peakResidentBytes: UInt64
    var payloadBytes: Int64
    var room: UInt64
    var isFile: UInt32
    var fileCount: UInt32
  }

  static func threw(_ call: UInt64, _ usage: WorkerUsage, _ bytes: [UInt8]) -> [UInt8] {
    failure(.threw, call, usage, bytes)
  }

  static func unprepared(_ call: UInt64, _ usage: WorkerUsage, _ bytes: [UInt8]) -> [UInt8] {
    failure(.unprepared, call, usage, bytes)
  }

  private static func failure(_ kind: Kind, _ call: UInt64, _ usage: WorkerUsage, _ bytes: [UInt8]) -> [UInt8] {
    var frame = FrameWriter(reserving: 64 + bytes.count)
    frame.put(kind.rawValue)
    frame.put(call)
    usage.put(into: &frame)
    frame.put(bytes)
    return frame.bytes
  }

  static func take(from frame: inout FrameReader, _ descriptors: inout ReceivedDescriptors) -> WorkerFrame? {
    take(from: &frame, &descriptors, borrowing: nil)
  }

  /// - Parameters:
  ///   - loan: for the payload, if it is in its sender's room; of no call yet.
  ///   - views: of its sender's rooms.
  static func take(
    from frame: inout FrameReader, _ descriptors: inout ReceivedDescriptors, borrowing loan: RoomLoan?,
    views: RoomViews? = nil
  ) -> WorkerFrame? {
    guard let kind = frame.peek(UInt32.self).flatMap(Kind.init) else { return nil }
    if kind == .returned { return takeReturned(from: &frame, &descriptors, loan, views) }
    _ = frame.take(UInt32.self)
    if kind == .crashing { return takeCrashNotice(from: &frame, &descriptors) }
    guard let call = frame.take(UInt64.self) else { return nil }
    if kind == .progress { return frame.take(count: frame.remaining).map { .progress(call: call, $0) } }
    guard let usage = WorkerUsage.take(from: &frame), let bytes = frame.take(count: frame.remaining) else { return nil }
    return kind == .threw ? .threw(call: call, usage, bytes) : .unprepared(call: call, usage, bytes)
  }

  private static func takeReturned(
    from frame: inout FrameReader, _ descriptors: inout ReceivedDescriptors, _ loan: RoomLoan?, _ views: RoomViews?
  ) -> WorkerFrame? {
    guard let head = frame.take(ReturnHead.self), let meta = frame.take(count: Int(head.metaBytes)),
      var payload = PayloadPart.take(
        isFile: head.isFile != 0, byteCount: head.payloadBytes, from: &frame, &descriptors),
      let files = descriptors.take(count: Int(head.fileCount))
    else { return nil }
    if head.room != 0, var loan {
      loan.call = head.call
      payload = payload.borrowed(
        loan, in: head.room, view: views?.view(of: head.room, byteCount: payload.byteCount))
    }
    let usage = WorkerUsage(cpuNanoseconds: head.cpuNanoseconds, peakResidentBytes: head.peakResidentBytes)
    return .returned(call: head.call, usage, meta: meta, payload, files: files)
  }

  /// `struct linux_crash_notice`, written by a signal handler.
  private static func takeCrashNotice(
    from frame: inout FrameReader, _ descriptors: inout ReceivedDescriptors
  ) -> WorkerFrame? {
    guard let signal = frame.take(Int32.self), let call = frame.take(UInt64.self),
      let usage = WorkerUsage.take(from: &frame)
    else { return nil }
    return .crashing(call: call, signal: signal, usage, backtrace: descriptors.take())
  }
}
