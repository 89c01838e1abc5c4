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
      number: CallFrame.initializer, function: function, deadlineNanoseconds: nil, dataLimitBytes: nil,
      header: call.header, files: call.files)
    files = call.files
    frame = head.encoded(with: payload)
    descriptors = head.descriptors(with: payload)
  }
}
