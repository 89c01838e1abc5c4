import HandlerAPI
import JobModel
import JobStore

/// Makes a handler's input from a job's.
struct BodyOpener: Sendable {
  let spool: SpoolFolder

  func open(_ input: JobInput) throws -> HandlerInput {
    switch input {
    case .json(let text): .json(text)
    case .body(let bytes, let mediaType, let args):
      .raw(RawBody(mediaType: mediaType, byteCount: bytes.count, source: .bytes(bytes), args: args))
    case .file(let name, let byteCount, let mediaType, let args):
      .raw(
        RawBody(
          mediaType: mediaType, byteCount: byteCount, source: .file(BodyFile(owning: try spool.openFile(name))),
          args: args))
    }
  }
}
