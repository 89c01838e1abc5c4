import CLinux
import Glibc
import HandlerAPI
import JobModel
import Synchronization

/// The other side of a job's context, in tests: keeps what is reported, and asks to stop after a number of looks.
final class Recorder: JobContextChannel {
  private struct State {
    var reports: [JobProgress] = []
    var looks = 0
  }
  private let state = Mutex(State())
  private let cancelAtLook: Int?

  init(cancelAtLook: Int? = nil) { self.cancelAtLook = cancelAtLook }

  func report(_ progress: JobProgress) { state.withLock { $0.reports.append(progress) } }
  func log(_ line: String) {}
  var isCancelled: Bool {
    state.withLock { state in
      state.looks += 1
      return cancelAtLook.map { state.looks >= $0 } ?? false
    }
  }

  var reports: [JobProgress] { state.withLock { $0.reports } }
  var looks: Int { state.withLock { $0.looks } }

  func context(deadline: Timestamp? = nil, trace: TraceContext? = nil) -> JobContext {
    JobContext(id: JobID(high: 1, low: 2), attempt: 1, deadline: deadline, trace: trace, channel: self)
  }
}

/// A folder that is gone when the test is done with it.
final class TemporaryFolder {
  let path: String

  init() throws {
    var template = Array("/tmp/handlers-XXXXXX".utf8CString)
    guard let made = mkdtemp(&template) else { throw HandlerError("mkdtemp failed with errno \(errno)") }
    path = String(cString: made)
  }

  deinit {
    for name in names { unlink("\(path)/\(name)") }
    rmdir(path)
  }

  private var names: [String] = []

  func write(_ bytes: [UInt8], to name: String) throws -> String {
    names.append(name)
    let file = "\(path)/\(name)"
    let descriptor = linux_open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    guard descriptor >= 0 else { throw HandlerError("open failed with errno \(errno)") }
    defer { close(descriptor) }
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress! + done, $0.count - done) }
      guard count > 0 else { throw HandlerError("write failed with errno \(errno)") }
      done += count
    }
    return file
  }
}

/// A body in a file, as a job of a large upload has it.
func fileBody(_ path: String, byteCount: Int) throws -> RawBody {
  let descriptor = linux_open(path, O_RDONLY, 0)
  guard descriptor >= 0 else { throw HandlerError("open failed with errno \(errno)") }
  let file = BodyFile(owning: descriptor)
  return RawBody(
    mediaType: "application/octet-stream", byteCount: byteCount, source: .file(file), args: Array("{}".utf8))
}

func bytesBody(_ bytes: [UInt8], mediaType: String = "text/plain") -> RawBody {
  RawBody(mediaType: mediaType, byteCount: bytes.count, source: .bytes(bytes), args: Array("{}".utf8))
}

func argsBody(_ json: String) -> RawBody {
  RawBody(mediaType: "application/json", byteCount: 0, source: .none, args: Array(json.utf8))
}

/// Repeatable random bytes.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64
  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }
}
