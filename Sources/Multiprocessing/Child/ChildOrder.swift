import Glibc

/// What a program orders from its launcher: a function, its argument, and the name of the process.
struct ChildOrder {
  var name: String
  var function: Int
  var argument: Payload
  /// Open files of values in the argument.
  var files: [SharedFile]

  /// Enough for people; the kernel shows 15 bytes of it.
  static let longestNameBytes = 256

  /// Goes with the payload's file, if it is one, and then the files of values in it.
  func put(into frame: inout FrameWriter, _ payload: PayloadPart) {
    let name = Array(name.utf8.prefix(Self.longestNameBytes))
    frame.put(UInt32(function))
    frame.put(UInt16(name.count))
    frame.put(name)
    frame.put(UInt8(files.count))
    payload.put(into: &frame)
  }

  static func take(from frame: inout FrameReader, _ descriptors: inout ReceivedDescriptors) -> ChildOrder? {
    guard let function = frame.take(UInt32.self), let nameCount = frame.take(UInt16.self),
      let name = frame.take(count: Int(nameCount)), let fileCount = frame.take(UInt8.self),
      let argument = PayloadPart.take(from: &frame, &descriptors), let files = descriptors.take(count: Int(fileCount))
    else { return nil }
    return ChildOrder(
      name: String(decoding: name, as: UTF8.self), function: Int(function), argument: argument, files: files)
  }
}

/// Launcher to program, on a child process's status socket: first whether it was born, then how it ended.
enum ChildFrame {
  case born(pid: pid_t, pidfd: SharedFile)
  case failed(code: Int32)
  /// wait4(2)'s status.
  case ended(status: Int32)

  private enum Kind: UInt32 {
    case born = 1
    case failed, ended
  }

  /// Goes with its pidfd.
  static func born(_ pid: pid_t) -> [UInt8] { encoded(.born, pid) }
  static func failed(_ code: Int32) -> [UInt8] { encoded(.failed, code) }
  static func ended(status: Int32) -> [UInt8] { encoded(.ended, status) }

  private static func encoded(_ kind: Kind, _ number: Int32) -> [UInt8] {
    var frame = FrameWriter(reserving: 8)
    frame.put(kind.rawValue)
    frame.put(number)
    return frame.bytes
  }

  static func take(from frame: inout FrameReader, _ descriptors: inout ReceivedDescriptors) -> ChildFrame? {
    guard let kind = frame.take(UInt32.self).flatMap(Kind.init), let number = frame.take(Int32.self) else { return nil }
    switch kind {
    case .born: return descriptors.take().map { .born(pid: number, pidfd: $0) }
    case .failed: return .failed(code: number)
    case .ended: return .ended(status: number)
    }
  }
}
