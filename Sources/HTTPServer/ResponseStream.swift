import CMicrohttpd
import EventLoop
import Glibc

/// A response body that is made while it is sent: chunked for HTTP/1.1, ended by closing for HTTP/1.0. What is written
/// waits here until the client takes it; the connection sleeps while there is nothing.
@LoopActor
public final class ResponseStream {
  /// Called when there is room again after ``write(_:)`` said that there is none.
  public var onDrain: (@LoopActor () -> Void)?
  /// Called once when the client left before the end. What is written afterwards is dropped.
  public var onClientGone: (@LoopActor () -> Void)?

  private let bufferLimitBytes: Int
  private var pieces: [[UInt8]] = []
  private var firstPiece = 0
  private var firstPieceOffset = 0
  private var bufferedBytes = 0
  private var wantsDrain = false
  private var end = End.open
  private weak var connection: Connection?

  private enum End { case open, finished, failed, clientGone }

  /// - Parameter bufferLimitBytes: how much may wait to be taken before ``write(_:)`` says that there is no room.
  public init(bufferLimitBytes: Int = 256 * 1024) { self.bufferLimitBytes = bufferLimitBytes }

  /// Appends to the body.
  ///
  /// - Returns: whether there is room for more. The bytes are taken in either case; a writer that goes on regardless fills
  ///   the memory, so it stops until ``onDrain``.
  @discardableResult
  public func write(_ bytes: [UInt8]) -> Bool {
    precondition(end != .finished, "a response stream is not written to after its end")
    guard end == .open, !bytes.isEmpty else { return end == .open }
    pieces.append(bytes)
    bufferedBytes += bytes.count
    connection?.streamHasMore()
    if bufferedBytes >= bufferLimitBytes { wantsDrain = true }
    return bufferedBytes < bufferLimitBytes
  }

  /// Ends the body once everything written has been sent.
  public func finish() { close(.finished) }

  /// Breaks the body off: the client sees that it is not complete.
  public func fail() { close(.failed) }

  public var isOpen: Bool { end == .open }

  private func close(_ end: End) {
    guard self.end == .open else { return }
    self.end = end
    connection?.streamHasMore()
  }

  // MARK: - The connection's side

  func attach(to connection: Connection) {
    precondition(self.connection == nil, "a response stream is sent once")
    self.connection = connection
  }

  /// The reply is over; unless the body was complete, the client has left.
  func detach() {
    connection = nil
    pieces = []
    bufferedBytes = 0
    guard end == .open else { return }
    end = .clientGone
    let tell = onClientGone
    onClientGone = nil
    onDrain = nil
    tell?()
  }

  /// Gives the next bytes to libmicrohttpd.
  func fill(_ target: UnsafeMutableRawBufferPointer) -> ssize_t {
    var filled = 0
    while filled < target.count, firstPiece < pieces.count {
      let count = pieces[firstPiece].withUnsafeBytes { piece in
        let count = min(piece.count - firstPieceOffset, target.count - filled)
        let source = UnsafeRawBufferPointer(rebasing: piece[firstPieceOffset..<(firstPieceOffset + count)])
        UnsafeMutableRawBufferPointer(rebasing: target[filled...]).copyMemory(from: source)
        return count
      }
      filled += count
      firstPieceOffset += count
      if firstPieceOffset == pieces[firstPiece].count {
        pieces[firstPiece] = []
        firstPiece += 1
        firstPieceOffset = 0
      }
    }
    if firstPiece == pieces.count {
      pieces.removeAll(keepingCapacity: true)
      firstPiece = 0
    }
    bufferedBytes -= filled
    if wantsDrain, end == .open, bufferedBytes <= bufferLimitBytes / 2 {
      wantsDrain = false
      onDrain?()
    }
    if filled > 0 { return filled }
    switch end {
    case .finished: return mhd_end_of_stream
    case .failed, .clientGone: return mhd_end_with_error
    case .open:
      // onDrain may have written meanwhile.
      if bufferedBytes > 0 { return fill(target) }
      connection?.suspend()
      return 0
    }
  }
}
