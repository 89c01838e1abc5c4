import CMicrohttpd

/// A reply whose bytes and header fields are laid out once and then sent any number of times, without a copy.
public final class PreparedResponse: Sendable {
  public let status: Int
  public let byteCount: Int
  // Never changed after init, and libmicrohttpd counts its references under a lock of its own.
  nonisolated(unsafe) let response: OpaquePointer

  public init(status: Int = 200, headers: [HTTPField], bytes: [UInt8]) {
    self.status = status
    byteCount = bytes.count
    response = MessageBuilder.copy(bytes)
    for field in headers { MessageBuilder.add(field, to: response) }
    MessageBuilder.add(MessageBuilder.noSniffing, to: response)
  }

  deinit { MHD_destroy_response(response) }
}
