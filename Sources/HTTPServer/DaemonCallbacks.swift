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
  }

  // In each of them the pointers stay on this thread; through C the compiler cannot see that the isolation is the same.

  private static let begin:
    @convention(c) (UnsafeMutableRawPointer?, UnsafePointer<CChar>?, OpaquePointer?) -> UnsafeMutableRawPointer? = {
      _, uri, handle in
      guard let uri, let connection = connection(handle) else { return nil }
      nonisolated(unsafe) let text = uri
      LoopActor.assumeIsolated { connection.begin(text) }
      return nil
    }

  private static let handle: MHD_AccessHandlerCallback = { _, handle, _, method, _, data, count, _ in
    guard let method, let count, let connection = connection(handle) else { return .NO }
    nonisolated(unsafe) let arguments = (method: method, data: data, count: count)
    return LoopActor.assumeIsolated {
      connection.handle(arguments.method, arguments.data, &arguments.count.pointee)
    }
  }

  private static let completed: MHD_RequestCompletedCallback = { _, handle, _, _ in
    guard let connection = connection(handle) else { return }
    LoopActor.assumeIsolated { connection.requestEnded() }
  }

  private static let changed: MHD_NotifyConnectionCallback = { context, handle, slot, change in
    guard let context, let handle, let slot else { return }
    nonisolated(unsafe) let arguments = (handle: handle, slot: slot)
    let server = Unmanaged<HTTPServer>.fromOpaque(context).takeUnretainedValue()
    LoopActor.assumeIsolated {
      if change == .CONNECTION_NOTIFY_STARTED {
        arguments.slot.pointee = Unmanaged.passRetained(server.connectionBegan(arguments.handle)).toOpaque()
      } else if let pointer = arguments.slot.pointee {
        arguments.slot.pointee = nil
        server.connectionClosed(Unmanaged<Connection>.fromOpaque(pointer).takeRetainedValue())
      }
    }
  }

  /// The next bytes of a streamed body; the context is the stream.
  static let pull: MHD_ContentReaderCallback = { context, _, buffer, capacity in
    guard let context, let buffer else { return mhd_end_with_error }
    let stream = Unmanaged<ResponseStream>.fromOpaque(context).takeUnretainedValue()
    nonisolated(unsafe) let target = UnsafeMutableRawBufferPointer(start: buffer, count: capacity)
    return LoopActor.assumeIsolated { stream.fill(target) }
  }

  private static func connection(_ handle: OpaquePointer?) -> Connection? {
    guard let handle, let context = mhd_connection_context(handle) else { return nil }
    return Unmanaged<Connection>.fromOpaque(context).takeUnretainedValue()
  }
}
