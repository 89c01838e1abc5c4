import EventLoop
import Glibc

/// A body on its way to a file: cut into pieces, which ``SpoolWriter`` writes one after the other on its own thread.
@LoopActor
final class SpooledUpload {
  private static let pieceBytes = 256 * 1024
  /// What may be handed over and not written; the client is not read from meanwhile.
  private static let outstandingLimitBytes = 1024 * 1024

  private let file: SpoolFile
  private weak var connection: Connection?
  private var piece: [UInt8]
  private var byteCount = 0
  private var outstandingBytes = 0
  private var pausedAt: UInt64?
  private var failure: Problem?
  private var state = State.open

  private enum State { case open, syncing, synced, handedOver, abandoned }

  /// - Parameter begins: the part of the body that came before it was clear that a file is needed.
  init(folder: String, connection: Connection, begins: [UInt8]) {
    file = SpoolFile(folder: folder)
    self.connection = connection
    piece = begins
    byteCount = begins.count
  }

  func append(_ bytes: UnsafeRawBufferPointer) -> BodyIntake.Taken {
    if let failure { return .refused(failure) }
    if piece.isEmpty { piece.reserveCapacity(Self.pieceBytes) }
    piece.append(contentsOf: bytes)
    byteCount += bytes.count
    if piece.count >= Self.pieceBytes { handOver() }
    guard outstandingBytes >= Self.outstandingLimitBytes else { return .more }
    pausedAt = MonotonicClock.now
    return .full
  }

  func conclude() -> BodyIntake.Conclusion {
    if let failure { return .failed(failure) }
    switch state {
    case .open:
      if !piece.isEmpty { handOver() }
      state = .syncing
      SpoolWriter.shared.sync(file) { [self] error in synced(error) }
      return .notYet
    case .syncing: return .notYet
    case .synced:
      state = .handedOver
      return .body(.file(SpooledBody(file: file, byteCount: byteCount)))
    case .handedOver, .abandoned: preconditionFailure("an upload is concluded once")
    }
  }

  func abandon() {
    guard state != .handedOver, state != .abandoned else { return }
    state = .abandoned
    piece = []
    SpoolWriter.shared.discard(file)
  }

  private func handOver() {
    let full = piece
    piece = []
    outstandingBytes += full.count
    SpoolWriter.shared.write(full, to: file) { [self] error in written(full.count, error) }
  }

  private func written(_ count: Int, _ error: Int32) {
    outstandingBytes -= count
    if error != 0 { fail(error) }
    guard let pausedAt, failure != nil || outstandingBytes <= Self.outstandingLimitBytes / 2 else { return }
    self.pausedAt = nil
    connection?.intakePaused(nanoseconds: MonotonicClock.now &- pausedAt)
    connection?.intakeAdvanced()
  }

  private func synced(_ error: Int32) {
    guard state == .syncing else { return }
    if error != 0 { fail(error) }
    state = .synced
    connection?.intakeAdvanced()
  }

  private func fail(_ error: Int32) {
    guard failure == nil else { return }
    let full = error == ENOSPC || error == EDQUOT || error == EFBIG
    failure = full ? Problem(507, "there is no room for the body") : Problem(500, "the body could not be stored")
  }
}

/// A request's body in a file of its own, durable when the application sees it. The file is removed when the exchange
/// ends, unless it was kept.
@LoopActor
public final class SpooledBody {
  public nonisolated let byteCount: Int
  private nonisolated let file: SpoolFile
  private var isKept = false

  init(file: SpoolFile, byteCount: Int) {
    self.file = file
    self.byteCount = byteCount
  }

  /// The file's name in the folder of the policy.
  public nonisolated var name: String { file.name }
  public nonisolated var path: String { file.path }

  /// Leaves the file to the application.
  public func keep() { isKept = true }

  func exchangeEnded() {
    if !isKept { SpoolWriter.shared.discard(file) }
  }
}
