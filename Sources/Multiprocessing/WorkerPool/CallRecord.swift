import EventLoop

/// A call the pool has taken, from then until its end. A class: it is looked up several times a call, and a copy would cost
/// more than the look.
@LoopActor
final class CallRecord {
  private(set) var call: PoolCall
  let function: Int
  private(set) var payload: PayloadPart
  let events: CallEvents
  let completion: WorkerPool.Completion
  /// Given when the call is taken.
  var number: UInt64 = 0
  /// Its ticket at the worker that has it.
  var ticket: Int?
  /// What it will end with, once its worker has told.
  var finished: FinishedCall?

  init(
    _ call: PoolCall, function: Int, payload: PayloadPart, events: CallEvents,
    completion: @escaping WorkerPool.Completion
  ) {
    self.call = call
    self.function = function
    self.payload = payload
    self.events = events
    self.completion = completion
  }

  /// Lets go of a large argument, elsewhere: to give its pages back takes the kernel longer than the loop should wait.
  func dropArgument() {
    guard let file = payload.file, payload.byteCount >= Self.largeBytes else { return }
    call.argument = .none
    let isInRoom = payload.room != nil
    payload = .empty
    // A room's pages stay, and the next call may want it.
    if isInRoom { return }
    Task.detached { withExtendedLifetime(file) {} }
  }

  private static let largeBytes = 1 << 20

  /// Size of what is sent if it may be sent ahead; `nil`: it may not.
  ///
  /// What is printed by a call belongs to it, and its memory is watched, only while no other is at hand behind it.
  var aheadBytes: Int? {
    guard call.mayBeSentAhead, events.onOutput == nil, call.memoryLimitBytes == nil, call.cpuTimeLimit == nil,
      payload.file == nil, call.files.isEmpty
    else { return nil }
    let bytes = CallFrame.fixedBytes + call.header.count + payload.inline.count
    return bytes <= PoolState.mostAheadBytes / 4 ? bytes : nil
  }
}
