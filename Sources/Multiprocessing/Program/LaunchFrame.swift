// The messages between a program and its launcher. A request for a nursery is answered on their channel, in order; one for a
// child process goes with a socket of its own for what becomes of it.

import Glibc

/// Program to launcher.
enum LaunchRequest {
  /// Fork a nursery.
  case nursery
  /// Fork a child process, and tell `status` what becomes of it in ``ChildFrame``s.
  case child(ChildOrder, status: SharedFile)

  private enum Kind: UInt32 {
    case nursery = 1
    case child
  }

  static let nurseryFrame: [UInt8] = {
    var frame = FrameWriter(reserving: 8)
    frame.put(Kind.nursery.rawValue)
    return frame.bytes
  }()

  /// Goes with the status socket and then the order's descriptors.
  static func child(_ order: ChildOrder, _ payload: PayloadPart) -> [UInt8] {
    var frame = FrameWriter(reserving: 64 + payload.inline.count)
    frame.put(Kind.child.rawValue)
    order.put(into: &frame, payload)
    return frame.bytes
  }

  static func take(from frame: inout FrameReader, _ descriptors: inout ReceivedDescriptors) -> LaunchRequest? {
    switch frame.take(UInt32.self).flatMap(Kind.init) {
    case .nursery: return .nursery
    case .child:
      guard let status = descriptors.take(), let order = ChildOrder.take(from: &frame, &descriptors) else { return nil }
      return .child(order, status: status)
    case nil: return nil
    }
  }
}

/// Launcher to program.
enum LaunchAnswer {
  /// A nursery was forked: the program's end of its channel, its pidfd, and the memory and the bell of its ticket board.
  case nursery(pid: pid_t, channel: SharedFile, pidfd: SharedFile, tickets: SharedFile, bell: SharedFile)
  case failed(code: Int32)

  private enum Kind: UInt32 {
    case nursery = 1
    case failed
  }

  /// Goes with four descriptors, in this order: channel, pidfd, tickets, bell.
  static func nursery(_ pid: pid_t) -> [UInt8] {
    var frame = FrameWriter(reserving: 8)
    frame.put(Kind.nursery.rawValue)
    frame.put(pid)
    return frame.bytes
  }

  static func failed(_ code: Int32) -> [UInt8] {
    var frame = FrameWriter(reserving: 8)
    frame.put(Kind.failed.rawValue)
    frame.put(code)
    return frame.bytes
  }

  static func take(from frame: inout FrameReader, _ descriptors: inout ReceivedDescriptors) -> LaunchAnswer? {
    guard let kind = frame.take(UInt32.self).flatMap(Kind.init), let number = frame.take(Int32.self) else { return nil }
    switch kind {
    case .nursery:
      guard let channel = descriptors.take(), let pidfd = descriptors.take(), let tickets = descriptors.take(),
        let bell = descriptors.take()
      else { return nil }
      return .nursery(pid: number, channel: channel, pidfd: pidfd, tickets: tickets, bell: bell)
    case .failed: return .failed(code: number)
    }
  }
}
