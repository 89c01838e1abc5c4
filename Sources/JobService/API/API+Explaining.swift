import EventLoop
import HTTPServer
import JobModel
import JobStore

/// `GET /v1/jobs/{id}/explain`.
extension API {
  /// Jobs that are looked at for a place in line: a few milliseconds' work.
  nonisolated static let explainedPlaces = 10_000

  func explain(_ call: Call) throws(APIError) {
    let id = call.id
    later(call) { [self] in
      guard let job = try await current(id) else { throw missing(id) }
      let place = job.state == .queued ? try await store.placeInLine(id, limit: Self.explainedPlaces) : nil
      let explanation = Explanation(job, place, pace(job.executor), now: .now)
      return HTTPResponse(mediaType: "application/json", explanation.document)
    }
  }

  /// Over all acceptors, each by its number of places.
  private func pace(_ executor: Executor) -> Explanation.Pace {
    var pace = Explanation.Pace(slots: 0, run: nil)
    var (weight, sum) = (0, 0.0)
    for seat in context.seats() {
      let (slots, run) = memory.seats.pace(executor, seat: seat.index)
      pace.slots += slots
      if let run {
        weight += slots
        sum += run * Double(slots)
      }
    }
    if weight > 0 { pace.run = .microseconds(Int64(sum / Double(weight))) }
    return pace
  }
}
