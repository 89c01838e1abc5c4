import JobModel
import StrictJSON

/// Something that happened to a job, as those who watch see it.
struct JobEvent: Sendable, Equatable {
  enum What: Sendable, Equatable {
    case state(JobState, attempt: Int)
    case progress(JobProgress)
  }
  var id: JobID
  /// Of the job's row after the change; of progress, the last one known.
  var revision: Int
  var what: What

  /// The state that a job is in.
  init(stateOf job: Job) {
    id = job.id
    revision = job.revision
    what = .state(job.state, attempt: job.attempt)
  }

  init(id: JobID, revision: Int, _ what: What) {
    self.id = id
    self.revision = revision
    self.what = what
  }

  /// No event of this attempt of the job follows, nor of any other unless somebody asks for a retry.
  var isLast: Bool {
    if case .state(let state, _) = what { state.isFinal } else { false }
  }

  /// The event in the stream format of Server-Sent Events (https://html.spec.whatwg.org/multipage/server-sent-events.html):
  ///
  ///     id: 5k2j-1f
  ///     event: state
  ///     data: {"id":"019a…","state":"running","done":false,"attempt":1}
  func write(named eventID: String, into text: inout [UInt8]) {
    text.append(contentsOf: "id: \(eventID)\n".utf8)
    var data = JSONWriter(reservingBytes: 160)
    data.beginObject()
    data.field("id", id.description)
    switch what {
    case .state(let state, let attempt):
      text.append(contentsOf: "event: state\ndata: ".utf8)
      data.field("state", state.rawValue)
      data.field("done", state.isFinal)
      data.field("attempt", attempt)
    case .progress(let progress):
      text.append(contentsOf: "event: progress\ndata: ".utf8)
      data.field("completed", progress.completed)
      data.field("total", progress.total)
      data.field("message", progress.message)
    }
    data.endObject()
    // JSON text has no line ends of its own: the writer escapes them within strings.
    text.append(contentsOf: data.bytes)
    text.append(contentsOf: "\n\n".utf8)
  }
}
