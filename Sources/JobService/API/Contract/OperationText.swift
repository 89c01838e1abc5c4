import HandlerAPI
import StrictJSON

/// One operation as OpenAPI writes it.
struct OperationText {
  private let operation: Operation
  private let resource: Resource
  /// The handler whose name the path has, where it is written out for each.
  private let handler: RegisteredHandler?

  init(_ operation: Operation, of resource: Resource, running handler: RegisteredHandler? = nil) {
    self.operation = operation
    self.resource = resource
    self.handler = handler
  }

  func write(into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("operationId", handler.map { "\(operation.id)_\($0.name)" } ?? operation.id)
    writer.key("tags")
    writer.raw("[\(Schema.quoted(resource.tag.rawValue))]".utf8)
    writer.field("summary", summary)
    if !description.isEmpty { writer.field("description", description) }
    writer.key("security")
    writer.raw(security.utf8)
    writeParameters(into: &writer)
    if let body = operation.body { write(body, into: &writer) }
    writer.object("responses") { responses in
      for reply in DerivedReplies.all(of: operation, resource) {
        responses.key(named: String(reply.status))
        let isShared = !operation.replies.contains { $0.status == reply.status }
        if isShared { responses.raw(Self.reference(to: reply).utf8) } else { Self.write(reply, into: &responses) }
      }
    }
    writer.endObject()
  }

  private var summary: String {
    guard let properties = handler?.handler.properties, !properties.summary.isEmpty else { return operation.summary }
    return properties.summary
  }

  private var description: String {
    var sentences = operation.details.isEmpty ? [] : [operation.details]
    let further = operation.query.filter(\.isConditional)
    if !further.isEmpty {
      let names = further.map { "`\($0.name)\($0.isFamily ? "NAME" : "")`" }.joined(separator: ", ")
      sentences.append("Further query parameters: \(names).")
    }
    if operation.scope != nil { sentences.append(operation.permission) }
    return sentences.joined(separator: " ")
  }

  /// An operation with a scope is to be had without a token where the server asks for none (`{}`), and else with one; a
  /// scheme of type `http` names what it must allow (OpenAPI 3.1, section 4.8.30).
  private var security: String {
    operation.scope.map { #"[{},{"token":[\#(Schema.quoted($0.rawValue))]}]"# } ?? "[]"
  }

  private func writeParameters(into writer: inout JSONWriter) {
    writer.key("parameters")
    writer.beginArray()
    if handler == nil, let name = resource.parameterName {
      let schema: Schema = resource.parameter == .name ? resource.nameSchema : .string(format: "uuid")
      Self.writeParameter(name, in: "path", into: &writer) {
        $0.field("required", true)
        $0.field("schema", schema)
      }
    }
    for parameter in operation.query where !parameter.isConditional {
      Self.writeParameter(parameter.name, in: "query", into: &writer) {
        $0.field("description", parameter.meaning)
        if case .json(let schema) = parameter.form {
          $0.object("content") { Self.write(.init(mediaType: "application/json", schema: schema), into: &$0) }
        } else {
          $0.field("schema", parameter.schema)
        }
      }
    }
    for header in operation.headers {
      Self.writeParameter(header.name, in: "header", into: &writer) {
        $0.field("description", header.meaning)
        $0.field("schema", header.schema)
      }
    }
    writer.endArray()
  }

  private static func writeParameter(
    _ name: String, in place: String, into writer: inout JSONWriter, _ rest: (inout JSONWriter) -> Void
  ) {
    writer.beginObject()
    writer.field("name", name)
    writer.field("in", place)
    rest(&writer)
    writer.endObject()
  }

  private func write(_ body: RequestBodyForm, into writer: inout JSONWriter) {
    var (content, isRequired) = (body.content, body.isRequired)
    if let handler, !handler.handler.acceptsRawBody {
      content = [.init(mediaType: "application/json", schema: HandlerSchemas.args(handler))]
      isRequired = !HandlerSchemas.needsNoArgs(handler)
    }
    writer.object("requestBody") { writer in
      writer.field("required", isRequired)
      writer.object("content") { types in
        for form in content { Self.write(form, into: &types) }
      }
    }
  }

  private static func write(_ content: RequestBodyForm.Content, into writer: inout JSONWriter) {
    writer.key(named: content.mediaType)
    writer.beginObject()
    writer.field("schema", content.schema)
    writer.endObject()
  }

  private static func reference(to reply: ReplyForm) -> String {
    ##"{"$ref":"#/components/responses/\##(name(of: reply))"}"##
  }

  /// As `components` names a reply that many operations give.
  static func name(of reply: ReplyForm) -> String { "Problem\(reply.status)" }

  static func write(_ reply: ReplyForm, into writer: inout JSONWriter) {
    writer.beginObject()
    writer.field("description", reply.meaning)
    if !reply.headers.isEmpty {
      writer.object("headers") { headers in
        for header in reply.headers {
          headers.key(named: header.name)
          headers.beginObject()
          headers.field("description", header.meaning)
          if header.isRequired { headers.field("required", true) }
          headers.field("schema", header.schema)
          headers.endObject()
        }
      }
    }
    if let content = reply.content {
      writer.object("content") { Self.write(content, into: &$0) }
    }
    if reply.isJob, (200..<300).contains(reply.status) { writer.field("links", raw: Array(Self.jobLinks.utf8)) }
    writer.endObject()
  }

  /// What can be done with a job that a reply describes.
  private static let jobLinks: String = {
    let resources = [Contract.job, Contract.jobResult, Contract.jobLog, Contract.jobCancel, Contract.jobRetry]
    let links = resources.flatMap(\.operations).map { _, operation in
      #""\#(operation.id)":{"operationId":"\#(operation.id)","parameters":{"id":"$response.body#/id"}}"#
    }
    return "{\(links.joined(separator: ","))}"
  }()
}

extension JSONWriter {
  fileprivate mutating func field(_ name: StaticString, _ schema: Schema) {
    key(name)
    raw(schema.text.utf8)
  }
}
