import CLinux
import CMicrohttpd
import Glibc

/// A complete reply written straight to a socket, where no libmicrohttpd connection exists or would take a response.
enum RawReply {
  /// Writes the problem, without waiting: what does not fit into the socket's buffer is lost with the connection.
  static func send(_ problem: Problem, to descriptor: Int32) {
    let text = message(problem)
    _ = Glibc.send(descriptor, text, text.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
    // The end of the reply; the client may still be sending.
    shutdown(descriptor, Int32(SHUT_WR))
  }

  /// The same for an encrypted connection, while libmicrohttpd sends nothing on it.
  static func send(_ problem: Problem, encryptedBy connection: OpaquePointer) {
    let text = message(problem)
    mhd_tls_send_last(connection, text, text.count)
  }

  private static func message(_ problem: Problem) -> [UInt8] {
    let body = problem.json
    var text: [UInt8] = []
    text += "HTTP/1.1 \(problem.status) \(HTTPStatus.reason(problem.status))\r\nDate: \(date())\r\n".utf8
    text += "Content-Type: \(Problem.mediaType)\r\nContent-Length: \(body.count)\r\n".utf8
    for field in problem.headers { text += "\(field.name): \(field.value)\r\n".utf8 }
    text += "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\nConnection: close\r\n\r\n".utf8
    return text + body
  }

  /// The present time as `IMF-fixdate` (RFC 9110, section 5.6.7).
  static func date() -> String {
    var now = time(nil)
    var parts = tm()
    gmtime_r(&now, &parts)
    let days = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
    func two(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    let clock = "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
    let day = "\(two(parts.tm_mday)) \(months[Int(parts.tm_mon)]) \(1900 + parts.tm_year)"
    return "\(days[Int(parts.tm_wday)]), \(day) \(clock) GMT"
  }
}
