// One connection to the server: requests in, replies out, one at a time, blocking. It knows HTTP and nothing of jobs.

import CCurl
import Configuration
import Glibc

/// Speaks HTTP to one server, through libcurl's easy interface; the connection is kept between requests.
final class ServerClient {
  enum Body {
    case none
    case json([UInt8])
    /// Read from a descriptor to its end and never held in memory; without a `byteCount` it is sent in chunks.
    case stream(descriptor: Int32, byteCount: Int?, mediaType: String)
  }
  struct Request {
    var method: String
    /// With the query, percent-encoded.
    var path: String
    var headers: [String] = []
    var body = Body.none
    /// How long the server was asked to hold its answer back.
    var wait: Duration = .zero
    /// Where the body of a reply with a 2xx status is written, instead of into the reply.
    var output: Int32?

    static func get(_ path: String) -> Request { Request(method: "GET", path: path) }
  }
  struct Reply {
    var status: Int
    /// Names in lower case.
    var headers: [String: String]
    var body: [UInt8]
  }

  /// For an answer, beyond the time that it was asked to wait.
  static let answerLimit: Duration = .seconds(60)
  static let connectLimit: Duration = .seconds(10)
  /// A stream that stands still for so long is given up.
  static let stallLimit: Duration = .seconds(120)
  /// Of a reply that is held in memory; a job is at most a little over 16 MiB.
  static let replyLimitBytes = 256 << 20

  let address: ServerAddress
  private let handle: UnsafeMutableRawPointer
  private let errorBuffer = UnsafeMutablePointer<CChar>.allocate(capacity: Int(CURL_ERROR_SIZE))

  private let token: String?
  private let caFile: String?

  /// - Parameters:
  ///   - token: sent with every request; it has visible ASCII characters only.
  ///   - caFile: certificates to trust, instead of the system's.
  init(_ address: ServerAddress, token: String? = nil, caFile: String? = nil) throws(ClientError) {
    guard let handle = curl_easy_init() else { throw .local("libcurl could not be started") }
    self.address = address
    self.handle = handle
    self.token = token
    self.caFile = caFile
  }

  deinit {
    curl_easy_cleanup(handle)
    errorBuffer.deallocate()
  }

  /// The reply, if its status is 2xx or 304.
  func send(_ request: Request) throws(ClientError) -> Reply {
    let reply = try exchange(request)
    guard (200..<300).contains(reply.status) || reply.status == 304 else {
      throw .refused(Problem(status: reply.status, body: reply.body))
    }
    return reply
  }

  /// The reply, whatever its status.
  private func exchange(_ request: Request) throws(ClientError) -> Reply {
    curl_easy_reset(handle)
    errorBuffer[0] = 0
    let transfer =
      if case .stream(let descriptor, let byteCount, _) = request.body {
        Transfer(output: request.output, source: descriptor, byteCount: byteCount)
      } else {
        Transfer(output: request.output)
      }
    var headers = request.headers
    // One context for the three callbacks, kept alive by `withExtendedLifetime` until libcurl is done with it.
    let context = Unmanaged.passUnretained(transfer).toOpaque()
    var code = configure(request, context)
    switch request.body {
    case .none, .json: headers += ["Content-Type: application/json", "Expect:"]
    case .stream(_, _, let mediaType): headers.append("Content-Type: \(mediaType)")
    }
    if let token { headers.append("Authorization: Bearer \(token)") }
    var list: UnsafeMutablePointer<curl_slist>?
    for header in headers { list = curl_slist_append(list, header) ?? list }
    defer { curl_slist_free_all(list) }
    if code == CURLE_OK { code = ccurl_easy_set_list(handle, CURLOPT_HTTPHEADER, list) }
    if code == CURLE_OK {
      code = withExtendedLifetime(transfer) {
        if case .json(let bytes) = request.body {
          return bytes.withUnsafeBytes { buffer in
            let set = ccurl_easy_set_post_bytes(handle, buffer.baseAddress, curl_off_t(buffer.count))
            return set == CURLE_OK ? curl_easy_perform(handle) : set
          }
        }
        return curl_easy_perform(handle)
      }
    }
    if let failure = transfer.failure { throw failure }
    // A server that refuses an upload answers and closes before it was sent; the answer is what counts.
    let answeredEarly = (code == CURLE_SEND_ERROR || code == CURLE_RECV_ERROR) && transfer.status >= 400
    guard code == CURLE_OK || answeredEarly else {
      // The longer text names a host and a port, which a Unix socket does not have.
      let hasDetail = errorBuffer[0] != 0 && address.socketPath == nil
      let reason = hasDetail ? String(cString: errorBuffer) : String(cString: curl_easy_strerror(code))
      throw .unreachable(address, reason: reason)
    }
    return Reply(status: transfer.status, headers: transfer.headers, body: transfer.body)
  }

  /// Sets what does not depend on the lifetime of a buffer; the first failure ends it.
  private func configure(_ request: Request, _ context: UnsafeMutableRawPointer) -> CURLcode {
    let isStream = if case .stream = request.body { true } else { request.output != nil }
    var options: [() -> CURLcode] = []
    func set(_ option: CURLoption, _ value: Int) { options.append { ccurl_easy_set_long(self.handle, option, value) } }
    func set(_ option: CURLoption, _ value: String) {
      options.append { ccurl_easy_set_string(self.handle, option, value) }
    }
    options.append { ccurl_easy_set_error_buffer(self.handle, self.errorBuffer) }
    set(CURLOPT_PROTOCOLS_STR, "http,https")
    set(CURLOPT_URL, address.baseURL + request.path)
    set(CURLOPT_USERAGENT, "millrace/\(MillraceVersion.text)")
    if let caFile { set(CURLOPT_CAINFO, caFile) }
    if let socketPath = address.socketPath { set(CURLOPT_UNIX_SOCKET_PATH, socketPath) }
    if address.isLocal { set(CURLOPT_PROXY, "") }
    set(CURLOPT_CONNECTTIMEOUT_MS, milliseconds(Self.connectLimit))
    if isStream {
      set(CURLOPT_LOW_SPEED_LIMIT, 1)
      set(CURLOPT_LOW_SPEED_TIME, milliseconds(Self.stallLimit) / 1000)
    } else {
      set(CURLOPT_TIMEOUT_MS, milliseconds(request.wait + Self.answerLimit))
    }
    switch request.body {
    case .none where request.method == "GET": set(CURLOPT_HTTPGET, 1)
    case .none:
      set(CURLOPT_POST, 1)
      set(CURLOPT_CUSTOMREQUEST, request.method)
      options.append { ccurl_easy_set_post_bytes(self.handle, "", 0) }
    case .json:
      set(CURLOPT_POST, 1)
      set(CURLOPT_CUSTOMREQUEST, request.method)
    case .stream(_, let byteCount, _):
      set(CURLOPT_UPLOAD, 1)
      set(CURLOPT_CUSTOMREQUEST, request.method)
      options.append { ccurl_easy_set_sender(self.handle, sendPiece, context) }
      if let byteCount {
        options.append { ccurl_easy_set_offset(self.handle, CURLOPT_INFILESIZE_LARGE, curl_off_t(byteCount)) }
      }
    }
    options.append { ccurl_easy_set_header_receiver(self.handle, receiveHeader, context) }
    options.append { ccurl_easy_set_receiver(self.handle, receivePiece, context) }
    for option in options {
      let code = option()
      guard code == CURLE_OK else { return code }
    }
    return CURLE_OK
  }

  private func milliseconds(_ duration: Duration) -> Int { Int(duration.components.seconds) * 1000 }
}
