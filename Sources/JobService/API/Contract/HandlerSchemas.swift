import HandlerAPI
import JobModel
import StrictJSON

/// What handlers take, as schemas of the contract.
enum HandlerSchemas {
  /// `Submit`, one form of it for each handler, and the handlers' arguments.
  static func all(_ handlers: HandlerRegistry) -> [(name: String, schema: Schema)] {
    let submittable = handlers.filter { $0.handler.schema != nil }
    let forms = submittable.map { handler in ("Submit_\(handler.name)", submit(handler)) }
    let args = submittable.compactMap { handler in
      handler.handler.schema.map { ("Args_\(handler.name)", Schema.text($0.embeddedJSONSchema)) }
    }
    let mapping = submittable.map { ##""\##($0.name)":"#/components/schemas/Submit_\##($0.name)""## }
    let choice = Schema.one(of: forms.map { .reference($0.0) })
      .with("discriminator", #"{"propertyName":"handler","mapping":{\#(mapping.joined(separator: ","))}}"#)
    return [("Submit", choice)] + forms + args
  }

  static func args(_ handler: RegisteredHandler) -> Schema { .reference("Args_\(handler.name)") }

  /// Whether a job may be submitted without arguments.
  static func needsNoArgs(_ handler: RegisteredHandler) -> Bool {
    guard let nothing = try? JSONDocument.parse(Array("{}".utf8)) else { return false }
    return handler.handler.checkArgs(nothing.root, hasBody: false).isEmpty
  }

  private static func submit(_ handler: RegisteredHandler) -> Schema {
    let isOptional = needsNoArgs(handler)
    var properties = [
      Schema.Property("handler", .string(oneOf: [handler.name])),
      .init("args", isOptional ? args(handler).orNull : args(handler), isRequired: !isOptional),
    ]
    for option in JobOption.all {
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
