import JobModel
import StrictJSON

/// The way of one job through a handler with types: bytes to input, run, output to bytes. Each step has its own kind of
/// failure.
enum TypedRun<H: Handler> {
  static func instantiate() async throws -> AnyHandlerInstance {
    let handler = try H()
    try await handler.prepare()
    return AnyHandlerInstance { input, context in await run(handler, input, context) }
  }

  private static func run(_ handler: H, _ input: HandlerInput, _ context: JobContext) async -> HandlerReply {
    let typed: H.Input
    do {
      typed = try decode(input)
    } catch {
      return .failure(.invalidArgs, InputErrors([InputError(decoding: error)]).description)
    }
    let output: H.Output
    do {
      output = try await handler.run(typed, context)
    } catch is CancellationError {
      return .failure(.cancelled, "the handler stopped because it was asked to")
    } catch let error as InputError {
      return .failure(.invalidArgs, InputErrors([error]).description)
    } catch let errors as InputErrors {
      return .failure(.invalidArgs, errors.description)
    } catch {
      return .failure(.handlerError, String(describing: error))
    }
    do {
      return try encode(output)
    } catch {
      return .failure(.invalidResult, "the result cannot be written as JSON: \(error)")
    }
  }

  /// - Throws: `InputError`, or what decoding throws.
  static func decode(_ args: [UInt8]) throws -> H.Input {
    if let raw = RawJSON(checked: args) as? H.Input { return raw }
    return try JSONCoding.decode(H.Input.self, from: args)
  }

  private static func decode(_ input: HandlerInput) throws -> H.Input {
    switch input {
    case .json(let args):
      let none = RawBody(mediaType: "application/json", byteCount: 0, source: .none, args: args)
      return try none as? H.Input ?? decode(args)
    case .raw(let body):
      guard let body = body as? H.Input else {
        throw InputError(pointer: "", detail: "cannot be a request body: this handler takes arguments only")
      }
      return body
    }
  }

  private static func encode(_ output: H.Output) throws -> HandlerReply {
    switch output {
    case let output as RawOutput:
      if !isMediaType(output.mediaType) {
        return .failure(.invalidResult, "the result's media type \"\(output.mediaType)\" is none")
      }
      return .success(mediaType: output.mediaType, bytes: output.bytes)
    case let output as RawJSON: return .success(mediaType: "application/json", bytes: output.bytes)
    default: return .success(mediaType: "application/json", bytes: try JSONCoding.encode(output))
    }
  }

  /// It becomes a header's value: visible ASCII and spaces, with a type and a subtype (RFC 9110 sections 5.5 and 8.3.1).
  private static func isMediaType(_ text: String) -> Bool {
    let essence = text.prefix { $0 != ";" }.split(separator: "/", omittingEmptySubsequences: false)
    return text.utf8.allSatisfy { (0x20...0x7E).contains($0) } && essence.count == 2
      && essence.allSatisfy { !$0.isEmpty && !$0.contains(" ") } && text.utf8.count <= 255
  }
}
