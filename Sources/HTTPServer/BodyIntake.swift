import EventLoop

/// Takes in the body of one request, in memory or by way of the disk, within the limits of its policy.
@LoopActor
final class BodyIntake {
  enum Taken {
    case more
    /// More only after ``Connection/intakeAdvanced()``.
    case full
    case refused(Problem)
  }

  enum Conclusion {
    case body(RequestBody)
    /// Ask again after ``Connection/intakeAdvanced()``.
    case notYet
    case failed(Problem)
  }

  struct Refusal: Error {
    let response: HTTPResponse
  }

  private let limitBytes: Int
  /// How much is held in memory before a file is begun.
  private let memoryLimitBytes: Int
  private let folder: String?
  private unowned let connection: Connection
  private var memory: [UInt8] = []
  private var upload: SpooledUpload?
  private(set) var byteCount = 0

  private init(
    limitBytes: Int, memoryLimitBytes: Int, folder: String?, framing: BodyFraming, for connection: Connection
  ) {
    self.limitBytes = limitBytes
    self.memoryLimitBytes = memoryLimitBytes
    self.folder = folder
    self.connection = connection
    if case .length(let count) = framing {
      // Announcing much costs a client nothing, so it does not make us reserve much.
      memory.reserveCapacity(min(count, memoryLimitBytes, 64 * 1024))
    }
  }

  /// What the policy makes of a body framed like this.
  static func admit(
    _ policy: BodyPolicy, _ framing: BodyFraming, for connection: Connection
  ) -> Result<BodyIntake, Refusal> {
    let intake: BodyIntake
    switch policy {
    case .none: return .failure(Refusal(response: Problem(413, "this request has no body").response))
    case .refuse(let response): return .failure(Refusal(response: response))
    case .buffer(let limit):
      intake = BodyIntake(
        limitBytes: limit, memoryLimitBytes: limit, folder: nil, framing: framing, for: connection)
    case .spool(let limit, let memoryLimit, let folder):
      intake = BodyIntake(
        limitBytes: limit, memoryLimitBytes: min(memoryLimit, limit), folder: folder, framing: framing, for: connection)
    }
    if case .length(let count) = framing, count > intake.limitBytes {
      connection.server.onRefusal?(413)
      return .failure(Refusal(response: intake.tooLarge.response))
    }
    return .success(intake)
  }

  private var tooLarge: Problem { Problem(413, "the body may have at most \(limitBytes) bytes") }

  func take(_ bytes: UnsafeRawBufferPointer) -> Taken {
    byteCount += bytes.count
    // A body in chunks announces no length; it is refused where it crosses the limit.
    if byteCount > limitBytes { return .refused(tooLarge) }
    if upload == nil {
      if byteCount <= memoryLimitBytes {
        memory.append(contentsOf: bytes)
        return .more
      }
      guard let folder else { return .refused(tooLarge) }
      upload = SpooledUpload(folder: folder, connection: connection, begins: memory)
      memory = []
    }
    return upload?.append(bytes) ?? .more
  }

  func conclude() -> Conclusion {
    guard let upload else {
      let body = memory
      memory = []
      return .body(body.isEmpty ? .empty : .bytes(body))
    }
    let conclusion = upload.conclude()
    if case .body = conclusion { self.upload = nil }
    return conclusion
  }

  /// The request ended before its body was handed over.
  func abandon() { upload?.abandon() }
}
