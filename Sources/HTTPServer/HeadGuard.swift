// Reads a request's head as strictly as RFC 9112 allows a server to, over bytes and nothing else. What two servers in a row
// could understand differently (request smuggling) is refused here, because libmicrohttpd 0.9.75 accepts much of it.

/// How the length of a request's body is known (RFC 9112, section 6).
enum BodyFraming: Equatable, Sendable {
  case none
  case length(Int)
  case chunked
}

/// A head that may be acted on. Offsets count from the first byte that was checked.
struct CheckedHead: Equatable, Sendable {
  var byteCount = 0
  var target = 0..<0
  var minorVersion = 1
  var fieldCount = 0
  var framing = BodyFraming.none
  var expectsContinue = false
}

enum HeadVerdict: Equatable, Sendable {
  /// Good so far, and not complete.
  case incomplete
  case accepted(CheckedHead)
  case refused(Problem)
}

struct HeadGuard: Sendable {
  var headerLimitBytes = 16 * 1024
  var targetLimitBytes = 8 * 1024
  // A field costs libmicrohttpd 64 bytes of the connection's memory beside its text, a cookie as much and its text
  // again: within these bounds, everything fits and its own error pages stay unused.
  var fieldLimit = 48
  var cookieLimitBytes = 2 * 1024
  var cookieLimit = 16

  /// How the bytes stand in memory.
  struct Form: Sendable {
    var space: UInt8
    var colon: UInt8
    var lineEnd: (UInt8, UInt8)

    /// As they came.
    static let wire = Form(space: 0x20, colon: 0x3A, lineEnd: (0x0D, 0x0A))
    /// As libmicrohttpd 0.9.75 leaves them after parsing: it cuts the text up in place, putting NUL for the two spaces of
    /// the request line, for each field's colon, and for both CR and LF (get_next_header_line, process_header_line). So a
    /// bare LF shows as a single NUL, and a continuation line as one that begins with a blank.
    static let parsed = Form(space: 0, colon: 0, lineEnd: (0, 0))
  }

  /// Checks the head at the start of `bytes`. One empty line before it is skipped (RFC 9112, section 2.2).
  func check(_ bytes: UnsafeRawBufferPointer) -> HeadVerdict {
    var start = 0
    if bytes.first == 0x0D {
      if bytes.count == 1 { return .incomplete }
      if bytes[1] == 0x0A { start = 2 }
    }
    var scan = HeadScan(bytes: UnsafeRawBufferPointer(rebasing: bytes[start...]), form: .wire, limits: self)
    do throws(HeadScan.Stop) {
      try scan.requestLine()
      try scan.fields()
      scan.head.byteCount += start
      scan.head.target = (scan.head.target.lowerBound + start)..<(scan.head.target.upperBound + start)
      return .accepted(scan.head)
    } catch {
      switch error {
      case .incomplete: return bytes.count - start < headerLimitBytes ? .incomplete : .refused(HeadScan.tooLarge)
      case .refused(let problem): return .refused(problem)
      }
    }
  }

  /// Checks a complete head that libmicrohttpd has parsed, in its memory. `target` is the raw target, kept aside because
  /// the bytes in memory were changed.
  func checkParsed(_ bytes: UnsafeRawBufferPointer, target: UnsafeRawBufferPointer) -> HeadVerdict {
    guard bytes.count <= headerLimitBytes else { return .refused(HeadScan.tooLarge) }
    var scan = HeadScan(bytes: bytes, form: .parsed, limits: self)
    do throws(HeadScan.Stop) {
      try scan.requestLine(target: target)
      try scan.fields()
      return .accepted(scan.head)
    } catch {
      switch error {
      case .incomplete: return .refused(HeadScan.malformed("the request's head is not well-formed"))
      case .refused(let problem): return .refused(problem)
      }
    }
  }
}
