import CCurl
import Configuration
import Glibc

/// What happens during one request; libcurl's callbacks reach it through their context pointer.
final class Transfer {
  /// Where the body of a 2xx reply goes; `nil`: into `body`.
  let output: Int32?
  private let receiver: ((UnsafeRawBufferPointer) throws(ClientError) -> Void)?
  private let source: Int32
  /// What is still to be sent of a body whose size was announced.
  private var remaining: Int?
  private(set) var status = 0
  private(set) var headers: [String: String] = [:]
  private(set) var body: [UInt8] = []
  /// Something on this side that ended the transfer.
  private(set) var failure: ClientError?

  /// - Parameters:
  ///   - source: where a streamed request body is read from; not used for other bodies.
  ///   - byteCount: exactly so many of its bytes are sent, although the file may grow meanwhile.
  init(
    output: Int32?, receiver: ((UnsafeRawBufferPointer) throws(ClientError) -> Void)? = nil, source: Int32 = -1,
    byteCount: Int? = nil
  ) {
    self.output = output
    self.receiver = receiver
    self.source = source
    self.remaining = byteCount
  }

  /// One line of the reply's head; each response has its own, `100 Continue` included, and the last one counts.
  func receive(headerLine line: String) {
    if line.hasPrefix("HTTP/") {
      status = line.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
      headers = [:]
      return
    }
    guard let colon = line.firstIndex(of: ":") else { return }
    let value = line[line.index(after: colon)...]
    headers[line[..<colon].lowercased()] = value.split(whereSeparator: \.isWhitespace).joined(separator: " ")
  }

  /// Whether to go on.
  func receive(_ piece: UnsafeRawBufferPointer) -> Bool {
    if output != nil || receiver != nil, (200..<300).contains(status) {
      do {
        if let output { try StandardStreams.write(piece, to: output) }
        if let receiver { try receiver(piece) }
      } catch {
        failure = error
        return false
      }
      return true
    }
    guard body.count + piece.count <= ServerClient.replyLimitBytes else {
      failure = .unexpected("the server's answer is larger than \(ServerClient.replyLimitBytes >> 20) MiB")
      return false
    }
    body.append(contentsOf: piece)
    return true
  }

  /// The number of bytes read, 0 at the end, `nil` to stop.
  func supply(_ room: UnsafeMutableRawBufferPointer) -> Int? {
    while true {
      let count = read(source, room.baseAddress, min(room.count, remaining ?? .max))
      if count >= 0 {
        guard let left = remaining else { return count }
        guard count > 0 || left == 0 else {
          // The server would wait for the rest of what was announced.
          failure = .local("the input became shorter while it was sent")
          return nil
        }
        remaining = left - count
        return count
      }
      if errno == EINTR { continue }
      failure = .local("the input cannot be read: \(String(cString: strerror(errno)))")
      return nil
    }
  }
}

// The callbacks. libcurl hands back the context it was given, a transfer that its request keeps alive; a null pointer
// cannot come, but costs only an aborted transfer.

func receiveHeader(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
  guard let bytes, let context else { return 0 }
  let line = UnsafeRawBufferPointer(start: bytes, count: size * count)
  Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
    .receive(headerLine: String(decoding: line, as: UTF8.self))
  return size * count
}

func receivePiece(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
  guard let bytes, let context else { return 0 }
  let piece = UnsafeRawBufferPointer(start: bytes, count: size * count)
  // Any other number than that of the bytes ends the transfer (CURLOPT_WRITEFUNCTION).
  return Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue().receive(piece) ? size * count : -1
}

func sendPiece(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int, _ context: UnsafeMutableRawPointer?
) -> Int {
  guard let bytes, let context else { return Int(CURL_READFUNC_ABORT) }
  let room = UnsafeMutableRawBufferPointer(start: bytes, count: size * count)
  return Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue().supply(room) ?? Int(CURL_READFUNC_ABORT)
}
