// Writes into a store as an acceptor would, in a process that the tests may kill, and that shows what a store can do.
//
//   StoreTorture prepare PATH
//   StoreTorture acknowledge PATH              submits for ever; one line with the job's id after each acknowledgement
//   StoreTorture submit|pairs|claims|blocked|paused|reads PATH CLIENTS SECONDS
//                                              one line: how many a second, and commits
//   StoreTorture fill PATH COUNT               finished jobs, to measure a store that is full

import Glibc
import JobModel
import JobStore
import Synchronization

@main
struct StoreTorture {
  static func main() async {
    let arguments = Array(CommandLine.arguments.dropFirst())
    do {
      switch arguments.first {
      case "prepare" where arguments.count == 2:
        try SQLiteJobStore.prepare(path: arguments[1])
      case "acknowledge" where arguments.count == 2:
        // Its test kills it long before; without the test it must not write for ever.
        alarm(60)
        try await Acknowledging(store: SQLiteJobStore.open(path: arguments[1])).run()
      case "fill" where arguments.count == 3:
        guard let count = Int(arguments[2]) else { return usage() }
        try await Load(path: arguments[1], clients: 512).fill(count)
      case .some(let word) where arguments.count == 4:
        guard let kind = Load.Kind(rawValue: word), let clients = Int(arguments[2]), let seconds = Int(arguments[3])
        else { return usage() }
        // Whatever happens, its test does not wait for ever.
        alarm(UInt32(clamping: seconds) + 120)
        try await Load(path: arguments[1], clients: clients).measure(kind, .seconds(seconds))
      default:
        usage()
      }
    } catch {
      complain("\(error)")
      exit(1)
    }
  }

  private static func usage() {
    complain("usage: StoreTorture prepare|acknowledge|fill|submit|pairs|claims|blocked|paused|reads PATH …")
    exit(64)
  }

  private static func complain(_ text: String) {
    let line = Array("\(text)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
  }
}

/// Makes jobs like those of a small request.
final class JobMaker: Sendable {
  private let issuer: Mutex<JobIDIssuer>
  let owner = OwnerID.random()
  let runBy = RunBy(node: "torture", acceptor: 0, pid: getpid())

  init(key: SipHashKey) { issuer = Mutex(JobIDIssuer(key: key)) }

  func queued() -> Job {
    let now = Timestamp.present
    let id = issuer.withLock { $0.next(now: now) }
    return Job(
      id: id, handler: "count_primes", executor: .process, state: .queued,
      input: .json(Array(#"{"below":1000000}"#.utf8)),
      createdAt: now)
  }

  func running() -> Job {
    let job = queued()
    return job.claimed(by: owner, runBy: runBy, now: job.createdAt)
  }

  func succeeded(_ job: Job) -> Job {
    let result = JobResult(mediaType: "application/json", byteCount: 15, body: .bytes(Array(#"{"count":78498}"#.utf8)))
    return job.ended(
      .succeeded(result),
      usage: JobUsage(
        queued: .milliseconds(1), wall: .milliseconds(13), cpu: .milliseconds(12), maxResidentBytes: 9 << 20),
      now: .present, retention: .seconds(7 * 86_400), jitter: 0)
  }
}

extension Timestamp {
  static var present: Timestamp {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
  }
}
