import HandlerAPI
import JobModel
import StrictJSON

/// What handlers take, as schemas of the contract.
enum HandlerSchemas {
  /// `Submit` and `SubmitBatch`, one form of each for each handler, and the handlers' arguments.
  static func all(_ handlers: HandlerRegistry) -> [(name: String, schema: Schema)] {
    let submittable = handlers.filter { $0.handler.schema != nil }
    let args = submittable.compactMap { handler in
      handler.handler.schema.map { ("Args_\(handler.name)", Schema.text($0.embeddedJSONSchema)) }
    }
    return forms("Submit", submittable, submit) + forms("SubmitBatch", submittable, submitBatch) + args
  }

  /// A schema that is one form for each handler, and these.
  private static func forms(
    _ name: String, _ handlers: [RegisteredHandler], _ form: (RegisteredHandler) -> Schema
  ) -> [(name: String, schema: Schema)] {
    let forms = handlers.map { handler in ("\(name)_\(handler.name)", form(handler)) }
    let mapping = handlers.map { ##""\##($0.name)":"#/components/schemas/\##(name)_\##($0.name)""## }
    let choice = Schema.one(of: forms.map { .reference($0.0) })
      .with("discriminator", #"{"propertyName":"handler","mapping":{\#(mapping.joined(separator: ","))}}"#)
    return [(name, choice)] + forms
  }

  static func args(_ handler: RegisteredHandler) -> Schema { .reference("Args_\(handler.name)") }

  /// Whether a job may be submitted without arguments.
  static func needsNoArgs(_ handler: RegisteredHandler) -> Bool {
    guard let nothing = try? JSONDocument.parse(Array("{}".utf8)) else { return false }
    return handler.handler.checkArgs(nothing.root, hasBody: false).isEmpty
  }

  private static func submit(_ handler: RegisteredHandler) -> Schema {
    let isOptional = needsNoArgs(handler)
    return document(
      handler, .init("args", isOptional ? args(handler).orNull : args(handler), isRequired: !isOptional), JobOption.all)
  }

  private static func submitBatch(_ handler: RegisteredHandler) -> Schema {
    let inputs = Schema.array(of: args(handler), 1...BatchRequest.inputLimit)
    let schema = Schema.integer(BatchRequest.chunkSizes).orNull
    return document(
      handler, .init("args", inputs), BatchRequest.jobOptions, .optional("chunk_size", schema))
  }

  private static func document(
    _ handler: RegisteredHandler, _ args: Schema.Property, _ options: [JobOption], _ more: Schema.Property...
  ) -> Schema {
    var properties = [Schema.Property("handler", .string(oneOf: [handler.name])), args] + more
    for option in options {
      properties.append(.optional(option.name, option.schema.orNull.described(option.meaning)))
    }
    return Schema.object(properties).with("not", JobOptions.contradiction.text)
  }
}

extension JobOptions {
  /// What ``finish()`` refuses.
  static let contradiction = Schema.object(
    [.init("run_at", .string), .init("delay", .string)], open: true)
}
