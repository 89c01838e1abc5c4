import HandlerAPI
import JobModel
import StrictJSON
import Testing

/// A context whose job was, or was not, asked to stop.
func context(cancelled: Bool = false) throws -> JobContext {
  let id = try #require(JobID("019a0000-0000-7000-8000-000000000000"))
  return JobContext(id: id, attempt: 1, deadline: nil, channel: QuietChannel(isCancelled: cancelled))
}

private struct QuietChannel: JobContextChannel {
  let isCancelled: Bool
  func report(_ progress: JobProgress) {}
  func log(_ line: String) {}
}

func bytes(_ text: String) -> [UInt8] { Array(text.utf8) }
func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
func node(_ text: String) throws -> JSONNode { try JSONDocument.parse(bytes(text)).root }

extension AnyHandler {
  func check(_ args: String, hasBody: Bool = false) throws -> [InputError] {
    checkArgs(try node(args), hasBody: hasBody)
  }

  func run(_ args: String, cancelled: Bool = false) async throws -> HandlerReply {
    try await instantiate().run(input: .json(bytes(args)), context: context(cancelled: cancelled))
  }
}

extension HandlerReply {
  static func json(_ text: String) -> HandlerReply { .success(mediaType: "application/json", bytes: bytes(text)) }
}

/// What the registration of a handler is refused with.
func registrationError(_ types: any Handler.Type...) -> String? {
  do throws(HandlerRegistrationError) {
    _ = try HandlerRegistry(types)
    return nil
  } catch {
    return error.description
  }
}
