import CMicrohttpd
import EventLoop

/// The functions that libmicrohttpd calls, always on the loop's thread and from inside `MHD_run`, `MHD_add_connection`,
/// `MHD_queue_response` or `MHD_stop_daemon`. They only enter the loop's isolation.
enum DaemonCallbacks {
  static func fill(_ options: inout mhd_start_options) {
    options.begin = begin
    options.handle = handle
    options.completed = completed
    options.connection_changed = changed
    options.own_error = ownError
  }

  private static let begin:
    @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>?, OpaquePointer?) -> UnsafeMutableRawPointer? = {
      _, uri, handle in
      guard let uri, let connection = connection(handle) else { return nil }
      LoopActor.assumeIsolated(passing: (connection, uri)) { $0.begin($1) }
      return nil
    }

  private static let handle: MHD_AccessHandlerCallback = { _, handle, _, method, _, data, count, _ in
    guard let method, let count, let connection = connection(handle) else { return .NO }
    return LoopActor.assumeIsolated(passing: (connection, method, data, count)) { $0.handle($1, $2, &$3.pointee) }
  }

  private static let completed: MHD_RequestCompletedCallback = { _, handle, _, _ in
    guard let connection = connection(handle) else { return }
    LoopActor.assumeIsolated(passing: connection) { $0.requestEnded() }
  }

  private static let changed: MHD_NotifyConnectionCallback = { context, handle, slot, change in
    guard let context, let handle, let slot else { return }
    let server = Unmanaged<HTTPServer>.fromOpaque(context).takeUnretainedValue()
    LoopActor.assumeIsolated(passing: (server, handle, slot, change)) { server, handle, slot, change in
      if change == .CONNECTION_NOTIFY_STARTED {
        slot.pointee = Unmanaged.passRetained(server.connectionBegan(handle)).toOpaque()
      } else if let pointer = slot.pointee {
        slot.pointee = nil
        server.connectionClosed(Unmanaged<Connection>.fromOpaque(pointer).takeRetainedValue())
      }
    }
  }

  private static let ownError: @convention(c) (OpaquePointer?, UInt32) -> OpaquePointer? = { handle, status in
    guard let connection = connection(handle) else { return nil }
    return LoopActor.assumeIsolated(passing: connection) { $0.refusedByDaemon(status: Int(status)) }
  }

  /// The next bytes of a streamed body; the context is the stream.
  static let pull: MHD_ContentReaderCallback = { context, _, buffer, capacity in
    guard let context, let buffer else { return mhd_end_with_error }
    let stream = Unmanaged<ResponseStream>.fromOpaque(context).takeUnretainedValue()
    let target = UnsafeMutableRawBufferPointer(start: buffer, count: capacity)
    return LoopActor.assumeIsolated(passing: (stream, target)) { $0.fill($1) }
  }

  private static func connection(_ handle: OpaquePointer?) -> Connection? {
    guard let handle, let context = mhd_connection_context(handle) else { return nil }
    return Unmanaged<Connection>.fromOpaque(context).takeUnretainedValue()
  }
}
