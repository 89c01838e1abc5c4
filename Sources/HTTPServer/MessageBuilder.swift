// Makes libmicrohttpd's responses out of ours.

import CMicrohttpd
import Glibc

enum MessageBuilder {
  /// The response to send. The caller destroys it, unless it is the prepared one, which it does not own.
  ///
  /// HEAD and 304 have the header fields of the GET's 200, its length included, and no body. libmicrohttpd 0.9.75 leaves the
  /// body out by itself, but ends a body of unknown length with its last chunk even then, and the next reply on the
  /// connection is then misread. So their response is one that has a length; without a length, the connection ends.
  static func make(
    _ response: HTTPResponse, bodiless: Bool, minorVersion: Int, serverName: String?
  ) -> (response: OpaquePointer, isOwned: Bool) {
    let made: OpaquePointer
    switch response.body {
    case .empty: made = copy([])
    case .prepared(let prepared):
      return (prepared.response, false)
    case .bytes(let bytes): made = bodiless ? lengthOnly(UInt64(bytes.count)) : copy(bytes)
    case .file(let range): made = bodiless ? lengthOnly(UInt64(range.byteCount)) : send(range)
    case .stream(let stream): made = bodiless ? withoutLength() : pull(stream, minorVersion: minorVersion)
    }
    for field in response.headers { add(field, to: made) }
    add(noSniffing, to: made)
    if let serverName { add(HTTPField("Server", serverName), to: made) }
    return (made, true)
  }

  /// A body is what its `Content-Type` says, whatever it looks like to a browser
  /// (https://fetch.spec.whatwg.org/#x-content-type-options-header).
  static let noSniffing = HTTPField("X-Content-Type-Options", "nosniff")

  static func copy(_ bytes: [UInt8]) -> OpaquePointer {
    bytes.withUnsafeBytes { buffer in
      // Copied at once, so the pointer's constness is not violated.
      let start = UnsafeMutableRawPointer(mutating: buffer.baseAddress)
      return checked(MHD_create_response_from_buffer(buffer.count, start, .RESPMEM_MUST_COPY))
    }
  }

  static func add(_ field: HTTPField, to response: OpaquePointer) {
    // libmicrohttpd has no fields without a value, and such a field says nothing.
    if field.value.isEmpty { return }
    if MHD_add_response_header(response, field.name, field.value) == .YES { return }
    // A line break in a value would begin another field, or the body; libmicrohttpd refuses such values (and tabs).
    let printable = field.value.utf8.map { $0 < 0x20 ? 0x20 : $0 }
    let value = String(decoding: printable, as: UTF8.self)
    let added = MHD_add_response_header(response, field.name, value)
    precondition(added == .YES, "the field \(field.name) is the server's to write, or has no valid name")
  }

  private static func lengthOnly(_ byteCount: UInt64) -> OpaquePointer {
    checked(MHD_create_response_from_callback(byteCount, 1, { _, _, _, _ in mhd_end_with_error }, nil, nil))
  }

  private static func withoutLength() -> OpaquePointer {
    let response = lengthOnly(mhd_size_unknown)
    _ = mhd_response_without_length(response)
    return response
  }

  private static func send(_ range: FileRange) -> OpaquePointer {
    if range.byteCount == 0 { return copy([]) }
    // libmicrohttpd closes the descriptor it is given.
    let descriptor = fcntl(range.descriptor, F_DUPFD_CLOEXEC, 0)
    guard descriptor >= 0,
      let response = MHD_create_response_from_fd_at_offset64(
        UInt64(range.byteCount), descriptor, UInt64(range.offset))
    else {
      if descriptor >= 0 { close(descriptor) }
      // Out of descriptors: the announced length and then an early end is what says so once a status has been chosen.
      return lengthOnly(UInt64(range.byteCount))
    }
    return response
  }

  private static func pull(_ stream: ResponseStream, minorVersion: Int) -> OpaquePointer {
    // Chunks are laid out in the connection's memory; only the unchunked HTTP/1.0 form uses the response's own block.
    let blockBytes = minorVersion == 0 ? 16 * 1024 : 1
    let context = Unmanaged.passRetained(stream).toOpaque()
    return checked(
      MHD_create_response_from_callback(mhd_size_unknown, blockBytes, DaemonCallbacks.pull, context) { context in
        if let context { Unmanaged<ResponseStream>.fromOpaque(context).release() }
      })
  }

  /// Responses are small: without memory for one there is none for anything else.
  private static func checked(_ response: OpaquePointer?) -> OpaquePointer {
    guard let response else { fatalError("out of memory for a response") }
    return response
  }
}
