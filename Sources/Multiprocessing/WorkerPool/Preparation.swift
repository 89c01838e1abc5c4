/// The call that prepares each worker, ready to be sent.
struct Preparation {
  let frame: [UInt8]
  let descriptors: [Int32]
  /// Keeps the descriptors open.
  private let files: [SharedFile]
  private let payload: PayloadPart

  init(_ call: PoolCall, _ program: WorkerProgram) throws(PoolRefusal) {
    guard let function = program.index(of: call.function) else { throw .unknownFunction(call.function) }
    do {
      payload = try PayloadPart(call.argument)
    } catch {
      throw .unsendable(error)
    }
    let head = CallFrame(
      number: CallFrame.initializer, ticket: 0, function: function, timeoutNanoseconds: nil, measuresUsage: false,
      dataLimitBytes: nil, header: call.header, files: call.files)
    files = call.files
    var message = FrameWriter()
    head.put(into: &message, payload)
    frame = message.bytes
    // It goes to every worker there will ever be.
    payload.file?.passOn()
    descriptors = head.descriptors(with: payload)
  }
}
