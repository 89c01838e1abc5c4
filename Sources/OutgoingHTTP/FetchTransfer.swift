// One fetch on its way: a libcurl handle, its options, and what its callbacks gather. Lives on the fetch thread.

import CCurl
import CLinux
import Glibc

/// Owns one easy handle. Its callbacks point back at it, so it must outlive them: the fetch thread keeps it until the
/// handle has left the multi handle.
final class FetchTransfer {
  let easy: UnsafeMutableRawPointer
  let ticket: FetchTicket
  private let request: FetchRequest
  private let reportProgress: FetchProgress
  private let memory: FetchMemory
  private var headerLines: UnsafeMutablePointer<curl_slist>?
  private let errorText: UnsafeMutablePointer<CChar>

  private var head = ResponseHead()
  private var body: [UInt8] = []
  private var droppedBytes = 0
  /// Why a callback of ours stopped the transfer; libcurl knows only that one did.
  private var stoppedBecause: String?
  /// Whether its host's name has been resolved, as far as can be seen: a connection is being opened, or one is reused.
  private(set) var isResolved = false

  static let connectTimeLimit = Duration.seconds(10)
  static let redirectLimit = 5

  init(
    _ request: FetchRequest, ticket: FetchTicket, memory: FetchMemory, progress: @escaping FetchProgress
  ) throws(FetchError) {
    guard let easy = curl_easy_init() else { throw FetchError("libcurl has no memory for another fetch") }
    self.easy = easy
    self.request = request
    self.ticket = ticket
    self.memory = memory
    reportProgress = progress
    errorText = .allocate(capacity: Int(CURL_ERROR_SIZE))
    errorText.initialize(repeating: 0, count: Int(CURL_ERROR_SIZE))
    try configure()
  }

  deinit {
    // Before what its options point at.
    curl_easy_cleanup(easy)
    curl_slist_free_all(headerLines)
    errorText.deallocate()
    memory.heldBytes -= body.count
  }

  // MARK: - Options

  private func configure() throws(FetchError) {
    try set(CURLOPT_URL, request.url)
    try set(CURLOPT_PROTOCOLS_STR, "http,https")
    try set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https")
    try set(CURLOPT_DISALLOW_USERNAME_IN_URL, 1)
    try set(CURLOPT_FOLLOWLOCATION, request.followsRedirects ? 1 : 0)
    try set(CURLOPT_MAXREDIRS, Self.redirectLimit)
    try setMethod()
    // An empty proxy also overrides http_proxy and its like in the server's environment.
    try set(CURLOPT_PROXY, "")
    try set(CURLOPT_NETRC, Int(CURL_NETRC_IGNORED.rawValue))
    try set(CURLOPT_USERAGENT, "millrace")
    // All encodings that libcurl can decode; it counts decoded bytes from then on, and so does the limit.
    try set(CURLOPT_ACCEPT_ENCODING, "")
    try set(CURLOPT_NOSIGNAL, 1)
    // Otherwise removing a transfer waits until the system's resolver is done with its host's name, and all other
    // transfers with it.
    try set(CURLOPT_QUICK_EXIT, 1)
    try set(CURLOPT_CONNECTTIMEOUT_MS, Self.connectTimeLimit.wholeMilliseconds)
    try set(CURLOPT_TIMEOUT_MS, request.timeAllowed(now: .now).wholeMilliseconds)
    try setHeaders()
    try setCallbacks()
  }

  private func setMethod() throws(FetchError) {
    switch request.method {
    case .get: break
    case .head: try set(CURLOPT_NOBODY, 1)
    case .post(var body):
      try set(CURLOPT_POST, 1)
      // The size goes first: libcurl copies so many bytes.
      try set(CURLOPT_POSTFIELDSIZE, body.count)
      let code = body.withUnsafeMutableBytes { curl_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, $0.baseAddress) }
      try check(code, CURLOPT_COPYPOSTFIELDS)
    }
  }

  private func setHeaders() throws(FetchError) {
    for (name, value) in request.headers {
      // libcurl's way to say "empty value"; "name:" would mean "leave this header out".
      let line = value.allSatisfy({ $0 == " " || $0 == "\t" }) ? "\(name);" : "\(name): \(value)"
      try addHeader(line)
    }
    // Left out: libcurl would ask before it sends a large body, and wait a second for servers that do not answer that.
    if case .post = request.method { try addHeader("Expect:") }
    try check(curl_set_list(easy, CURLOPT_HTTPHEADER, headerLines), CURLOPT_HTTPHEADER)
    // Some schemes authenticate the connection rather than the request: such a one must not serve another job.
    if request.headers.keys.contains(where: { $0.lowercased() == "authorization" }) {
      try set(CURLOPT_FRESH_CONNECT, 1)
      try set(CURLOPT_FORBID_REUSE, 1)
    }
  }

  private func addHeader(_ line: String) throws(FetchError) {
    guard let longer = curl_slist_append(headerLines, line) else { throw FetchError("out of memory for headers") }
    headerLines = longer
  }

  private func setCallbacks() throws(FetchError) {
    let context = Unmanaged.passUnretained(self).toOpaque()
    for option in [
      CURLOPT_PRIVATE, CURLOPT_WRITEDATA, CURLOPT_HEADERDATA, CURLOPT_OPENSOCKETDATA, CURLOPT_PREREQDATA,
    ] {
      try check(curl_set_pointer(easy, option, context), option)
    }
    try check(curl_set_pointer(easy, CURLOPT_ERRORBUFFER, errorText), CURLOPT_ERRORBUFFER)
    try check(
      curl_set_data_callback(easy, CURLOPT_WRITEFUNCTION) { bytes, size, count, context in
        FetchTransfer.from(context).receiveBody(UnsafeRawBufferPointer(start: bytes, count: size * count))
      }, CURLOPT_WRITEFUNCTION)
    try check(
      curl_set_data_callback(easy, CURLOPT_HEADERFUNCTION) { bytes, size, count, context in
        FetchTransfer.from(context).receiveHeader(UnsafeRawBufferPointer(start: bytes, count: size * count))
      }, CURLOPT_HEADERFUNCTION)
    try check(
      curl_set_open_socket_callback(easy) { context, _, address in FetchTransfer.from(context).openSocket(address) },
      CURLOPT_OPENSOCKETFUNCTION)
    try check(
      curl_set_prerequest_callback(easy) { context, address, _, _, _ in
        FetchTransfer.from(context).approveRequest(to: address)
      }, CURLOPT_PREREQFUNCTION)
  }

  private func set(_ option: CURLoption, _ value: String) throws(FetchError) {
    try check(curl_set_string(easy, option, value), option)
  }

  private func set(_ option: CURLoption, _ value: Int) throws(FetchError) {
    try check(curl_set_long(easy, option, value), option)
  }

  /// An option that cannot be set is a limit that would not hold.
  private func check(_ code: CURLcode, _ option: CURLoption) throws(FetchError) {
    if code == CURLE_OK { return }
    throw FetchError("libcurl does not take option \(option.rawValue): \(String(cString: curl_easy_strerror(code)))")
  }

  // MARK: - Callbacks

  /// The transfer that a callback, or a handle's private pointer, belongs to.
  static func from(_ context: UnsafeMutableRawPointer?) -> FetchTransfer {
    guard let context else { preconditionFailure("libcurl lost a transfer's context") }
    return Unmanaged<FetchTransfer>.fromOpaque(context).takeUnretainedValue()
  }

  /// Called with the very address that is connected to next, at each redirect and for each address of a host: a name that
  /// resolves to another address on a second look cannot get past it.
  private func openSocket(_ address: UnsafeMutablePointer<curl_sockaddr>?) -> curl_socket_t {
    isResolved = true
    guard let address, let offset = MemoryLayout<curl_sockaddr>.offset(of: \.addr) else { return -1 }
    // `addr` is declared as a bare sockaddr; the `addrlen` bytes from there on are the whole address.
    let raw = UnsafeRawBufferPointer(
      start: UnsafeRawPointer(address) + offset, count: Int(address.pointee.addrlen))
    guard let target = IPAddress(raw), request.mayConnect(target) else {
      stoppedBecause = Self.refusal
      return -1
    }
    // A host of several addresses may be reached by one after another was refused.
    stoppedBecause = nil
    let type = address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue)
    return socket(address.pointee.family, type, address.pointee.protocol)
  }

  /// Called before each request on a connection, an idle one of an earlier fetch too, with the address at its other end.
  private func approveRequest(to address: UnsafePointer<CChar>?) -> Int32 {
    isResolved = true
    if let address, let target = IPAddress(String(cString: address)), request.mayConnect(target) {
      return CURL_PREREQFUNC_OK
    }
    stoppedBecause = Self.refusal
    return CURL_PREREQFUNC_ABORT
  }

  private static let refusal =
    "the host's address is not on the public internet, and this server fetches from no other"

  private func receiveHeader(_ line: UnsafeRawBufferPointer) -> Int {
    if head.consume(line) { return line.count }
    stoppedBecause = "the response's headers are larger than \(ResponseHead.limitBytes) bytes"
    return -1
  }

  /// Returning another count than was given aborts the transfer.
  private func receiveBody(_ bytes: UnsafeRawBufferPointer) -> Int {
    head.beginBody()
    if request.dropsBody {
      droppedBytes += bytes.count
      return droppedBytes > request.maxBytes ? -1 : bytes.count
    }
    if body.count + bytes.count > request.maxBytes {
      stoppedBecause = "the response is larger than \(request.maxBytes) bytes"
      return -1
    }
    if memory.heldBytes + bytes.count > FetchMemory.limitBytes {
      stoppedBecause = "the responses being fetched at this moment are too large together: try again later"
      return -1
    }
    memory.heldBytes += bytes.count
    body += bytes
    reportProgress(body.count, head.bodyLength)
    return bytes.count
  }

  // MARK: - Result

  /// What became of it, once libcurl says that it is done.
  func outcome(_ code: CURLcode) -> Result<FetchResponse, FetchError> {
    let hasEnough = request.dropsBody && code == CURLE_WRITE_ERROR && droppedBytes > request.maxBytes
    guard code == CURLE_OK || hasEnough else { return .failure(FetchError(failure(code))) }
    var status = 0
    var url: UnsafePointer<CChar>?
    guard curl_get_long(easy, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK,
      curl_get_string(easy, CURLINFO_EFFECTIVE_URL, &url) == CURLE_OK, let url
    else { return .failure(FetchError("libcurl does not know what it fetched")) }
    return .success(FetchResponse(status: status, url: String(cString: url), headers: head.fields, body: body))
  }

  private func failure(_ code: CURLcode) -> String {
    if let stoppedBecause { return stoppedBecause }
    if code == CURLE_TOO_MANY_REDIRECTS { return "more than \(Self.redirectLimit) redirects" }
    let detail = String(cString: errorText)
    return detail.isEmpty ? String(cString: curl_easy_strerror(code)) : detail
  }
}

/// What all transfers of a process hold in memory; touched by the fetch thread alone.
final class FetchMemory {
  var heldBytes = 0
  /// Each transfer has its own limit; together, thousands of them must not take the whole machine.
  static let limitBytes = 512 * 1024 * 1024
}

extension Duration {
  /// Rounded down; the largest 32-bit number at most, libcurl's own limit for timeouts.
  var wholeMilliseconds: Int {
    let (seconds, attoseconds) = components
    if seconds >= 2_000_000 { return 2_000_000_000 }
    return Int(seconds) * 1000 + Int(attoseconds / 1_000_000_000_000_000)
  }
}
