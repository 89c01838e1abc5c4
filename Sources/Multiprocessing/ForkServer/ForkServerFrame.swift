// The messages between an acceptor, its nursery and its fork server.

import Glibc

/// Acceptor to fork server: fork a worker. Answered by `spawned` or `spawnFailed` with the same number.
enum SpawnRequest {
  /// - Parameter page: the worker's, on the ticket board.
  static func encoded(_ worker: UInt64, page: Int) -> [UInt8] {
    var frame = FrameWriter(reserving: 12)
    frame.put(worker)
    frame.put(UInt32(page))
    return frame.bytes
  }

  static func take(
    from frame: inout FrameReader, _: inout ReceivedDescriptors
  ) -> (worker: UInt64, page: Int)? {
    guard let worker = frame.take(UInt64.self), let page = frame.take(UInt32.self), page < TicketBoard.pageCount
    else { return nil }
    return (worker, Int(page))
  }
}

/// A worker just forked, with the acceptor's ends of what they share.
struct Newborn {
  var worker: UInt64
  var pid: pid_t
  /// Anonymous memory it was born with: what the fork server preloaded, shared copy-on-write.
  var inheritedBytes: UInt64
  var socket: SharedFile
  var output: SharedFile
  var pidfd: SharedFile
}

/// Fork server to acceptor.
enum ForkServerFrame {
  /// The preload is done; workers can be asked for.
  case ready
  /// The preload failed or broke a rule; the fork server is about to end.
  case unfit(String)
  case spawned(Newborn)
  case spawnFailed(worker: UInt64, code: Int32)
  /// A worker ended and was reaped: wait4(2)'s status and usage.
  case exited(worker: UInt64, status: Int32, WorkerUsage)

  private enum Kind: UInt32 {
    case ready = 1
    case unfit, spawned, spawnFailed, exited
  }

  /// `spawned` goes with three descriptors, in this order: socket, output, pidfd.
  static func spawned(_ worker: UInt64, pid: pid_t, inheritedBytes: UInt64) -> [UInt8] {
    var frame = FrameWriter()
    frame.put(Kind.spawned.rawValue)
    frame.put(worker)
    frame.put(pid)
    frame.put(inheritedBytes)
    return frame.bytes
  }

  static func ready() -> [UInt8] {
    var frame = FrameWriter()
    frame.put(Kind.ready.rawValue)
    return frame.bytes
  }

  static func unfit(_ reason: String) -> [UInt8] {
    var frame = FrameWriter()
    frame.put(Kind.unfit.rawValue)
    frame.put(Array(reason.utf8.prefix(4096)))
    return frame.bytes
  }

  static func spawnFailed(_ worker: UInt64, code: Int32) -> [UInt8] {
    var frame = FrameWriter()
    frame.put(Kind.spawnFailed.rawValue)
    frame.put(worker)
    frame.put(code)
    return frame.bytes
  }

  static func exited(_ worker: UInt64, status: Int32, usage: WorkerUsage) -> [UInt8] {
    var frame = FrameWriter()
    frame.put(Kind.exited.rawValue)
    frame.put(worker)
    frame.put(status)
    usage.put(into: &frame)
    return frame.bytes
  }

  static func take(from frame: inout FrameReader, _ descriptors: inout ReceivedDescriptors) -> ForkServerFrame? {
    guard let number = frame.take(UInt32.self), let kind = Kind(rawValue: number) else { return nil }
    switch kind {
    case .ready: return .ready
    case .unfit: return frame.take(count: frame.remaining).map { .unfit(String(decoding: $0, as: UTF8.self)) }
    case .spawned: return takeNewborn(from: &frame, &descriptors).map { .spawned($0) }
    case .spawnFailed:
      guard let worker = frame.take(UInt64.self), let code = frame.take(Int32.self) else { return nil }
      return .spawnFailed(worker: worker, code: code)
    case .exited:
      guard let worker = frame.take(UInt64.self), let status = frame.take(Int32.self),
        let usage = WorkerUsage.take(from: &frame)
      else { return nil }
      return .exited(worker: worker, status: status, usage)
    }
  }

  private static func takeNewborn(from frame: inout FrameReader, _ descriptors: inout ReceivedDescriptors) -> Newborn? {
    guard let worker = frame.take(UInt64.self), let pid = frame.take(pid_t.self),
      let inherited = frame.take(UInt64.self), let socket = descriptors.take(), let output = descriptors.take(),
      let pidfd = descriptors.take()
    else { return nil }
    return Newborn(
      worker: worker, pid: pid, inheritedBytes: inherited, socket: socket, output: output, pidfd: pidfd)
  }
}

/// Nursery to acceptor.
enum NurseryFrame {
  /// A fork server was forked: the acceptor's end of its control socket, and its pidfd.
  case born(pid: pid_t, control: SharedFile, pidfd: SharedFile)
  /// It ended, and is forked again after the pause.
  case died(pid: pid_t, status: Int32, pauseNanoseconds: UInt64)

  private enum Kind: UInt32 {
    case born = 1
    case died
  }

  /// Goes with two descriptors, in this order: control socket, pidfd.
  static func born(_ pid: pid_t) -> [UInt8] {
    var frame = FrameWriter()
    frame.put(Kind.born.rawValue)
    frame.put(pid)
    return frame.bytes
  }

  static func died(_ pid: pid_t, status: Int32, pause: Duration) -> [UInt8] {
    var frame = FrameWriter()
    frame.put(Kind.died.rawValue)
    frame.put(pid)
    frame.put(status)
    frame.put(UInt64(pause / .nanoseconds(1)))
    return frame.bytes
  }

  static func take(from frame: inout FrameReader, _ descriptors: inout ReceivedDescriptors) -> NurseryFrame? {
    guard let number = frame.take(UInt32.self), let kind = Kind(rawValue: number), let pid = frame.take(pid_t.self)
    else { return nil }
    switch kind {
    case .born:
      guard let control = descriptors.take(), let pidfd = descriptors.take() else { return nil }
      return .born(pid: pid, control: control, pidfd: pidfd)
    case .died:
      guard let status = frame.take(Int32.self), let pause = frame.take(UInt64.self) else { return nil }
      return .died(pid: pid, status: status, pauseNanoseconds: pause)
    }
  }
}
