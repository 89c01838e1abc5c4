import EventLoop

/// A call the pool has taken, from then until its end. A class: it is looked up several times a call, and a copy would cost
/// more than the look.
@LoopActor
final class CallRecord {
  let call: PoolCall
  let function: Int
  let payload: PayloadPart
  let events: CallEvents
  let completion: WorkerPool.Completion
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
}
