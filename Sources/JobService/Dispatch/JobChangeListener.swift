import EventLoop
import JobModel

/// Who shows jobs to clients, and must know when they change.
@LoopActor
protocol JobChangeListener: AnyObject {
  /// This acceptor committed a change; `job` is the row as it is now.
  func changed(_ job: Job)
  /// This acceptor committed a change of a job whose row it has not read.
  func changed(_ id: JobID)
  /// A job that runs here got further.
  func progressed(_ job: Job)
  /// An event was added to those that clients watch.
  func happened()
  /// A job is due at this time.
  func scheduled(at due: Timestamp)
  /// This acceptor wrote or removed a schedule.
  func schedulesChanged()
}
