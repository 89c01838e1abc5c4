import HTTPServer
import HandlerAPI
import JobModel
import StrictJSON

/// `/v1/handlers` and `/v1/handlers/{name}`: what can be run.
enum HandlersDocument {
  static func list(_ handlers: HandlerRegistry) -> HTTPResponse {
    var writer = JSONWriter(reservingBytes: 8192)
    writer.beginObject()
    writer.key("handlers")
    writer.beginArray()
    for handler in handlers { write(handler, into: &writer) }
    writer.endArray()
    writer.endObject()
    return HTTPResponse(mediaType: "application/json", writer.bytes)
  }

  static func one(_ handler: RegisteredHandler) -> HTTPResponse {
    var writer = JSONWriter()
    write(handler, into: &writer)
    return HTTPResponse(mediaType: "application/json", writer.bytes)
  }

  private static func write(_ handler: RegisteredHandler, into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("name", handler.name)
    writer.field("summary", handler.handler.properties.summary)
    writer.field("executor", handler.executor.rawValue)
    writer.field("accepts_body", handler.handler.acceptsRawBody)
    writer.key("timeout")
    if let timeout = handler.timeout { writer.string(DurationText.text(timeout)) } else { writer.null() }
    writer.field("max_attempts", handler.maxAttempts)
    writer.key("memory_limit_bytes")
    if handler.executor == .process, let bytes = handler.memoryLimitBytes { writer.int(bytes) } else { writer.null() }
    writer.field("key_limit", handler.keyLimit)
    writer.key("input_schema")
    if let schema = handler.handler.schema { writer.raw(schema.jsonSchema) } else { writer.null() }
    writer.endObject()
  }
}

extension API {
  func handler(_ call: Call) throws(APIError) {
    send(call, HandlersDocument.one(try handler(named: call.name)))
  }
}
