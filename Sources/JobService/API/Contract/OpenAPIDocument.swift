// `/openapi.json`: the declarations as OpenAPI 3.1 (https://spec.openapis.org/oas/v3.1.1.html), written once at start.

import HandlerAPI
import StrictJSON

struct OpenAPIDocument {
  let handlers: HandlerRegistry
  let version: String

  static let about = """
    Millrace runs compute jobs. Submit a job, poll it, get the result. Every GET is a HEAD too. Errors are \
    `application/problem+json` (RFC 9457). An unknown field or query parameter is refused, not ignored; an explicit `null` is \
    the same as leaving a field out.
    """

  func text() -> [UInt8] {
    var writer = JSONWriter(reservingBytes: 64 * 1024)
    writer.beginObject()
    writer.field("openapi", "3.1.0")
    writer.object("info") {
      $0.field("title", "Millrace")
      $0.field("version", version)
      $0.field("description", Self.about)
    }
    writer.key("tags")
    writer.beginArray()
    for tag in Tag.allCases {
      writer.beginObject()
      writer.field("name", tag.rawValue)
      writer.field("description", tag.summary)
      writer.endObject()
    }
    writer.endArray()
    writer.object("paths") { paths in
      for resource in Contract.resources where resource !== Contract.unknown && resource !== Contract.files {
        write(resource, into: &paths)
      }
    }
    writer.object("components") { components in
      // Each operation names it beside `{}`: whether tokens are asked for is a matter of the server's configuration.
      components.object("securitySchemes") { schemes in
        schemes.object("token") {
          $0.field("type", "http")
          $0.field("scheme", "bearer")
          $0.field("description", "A token with the scope that an operation names, where the server asks for tokens.")
        }
      }
      components.object("responses") { responses in
        for reply in DerivedReplies.shared {
          responses.key(named: OperationText.name(of: reply))
          OperationText.write(reply, into: &responses)
        }
      }
      components.object("schemas") { schemas in
        for (name, schema) in Schemas.all + HandlerSchemas.all(handlers) {
          schemas.key(named: name)
          schemas.raw(schema.text.utf8)
        }
      }
    }
    writer.endObject()
    return writer.bytes
  }

  private func write(_ resource: Resource, into writer: inout JSONWriter) {
    guard resource === Contract.run, let operation = resource.post else {
      writer.key(named: resource.template)
      writer.beginObject()
      for (method, operation) in resource.operations {
        write(OperationText(operation, of: resource), as: method, into: &writer)
      }
      return writer.endObject()
    }
    // A path for each handler says more than one for all of them: what the body may be.
    for handler in handlers {
      writer.key(named: "/v1/run/\(handler.name)")
      writer.beginObject()
      write(OperationText(operation, of: resource, running: handler), as: "post", into: &writer)
      writer.endObject()
    }
  }

  private func write(_ operation: OperationText, as method: String, into writer: inout JSONWriter) {
    writer.key(named: method)
    operation.write(into: &writer)
  }
}
