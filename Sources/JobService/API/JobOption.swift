import HandlerAPI
import JobModel
import StrictJSON

/// An option of a submit: the one place that says what it is called, what it may be, and where its value goes.
struct JobOption: Sendable {
  /// Why a value is refused, to complete a sentence: "must be …".
  struct Refusal: Error {
    let detail: String
    init(_ detail: String) { self.detail = detail }
  }

  let name: String
  let meaning: String
  /// Of the member in a JSON body; `null` is allowed beside it.
  let schema: Schema
  /// Its value in a query is JSON text.
  var isJSONInQuery = false
  fileprivate let takeJSON: @Sendable (JSONNode, inout JobOptions) throws(Refusal) -> Void
  fileprivate let takeText: @Sendable (String, inout JobOptions) throws(Refusal) -> Void

  // MARK: - Kinds

  static func integer(
    _ name: String, _ range: ClosedRange<Int>, _ meaning: String,
    _ take: @escaping @Sendable (inout JobOptions, Int) -> Void
  ) -> JobOption {
    let accept: @Sendable (Int?, inout JobOptions) throws(Refusal) -> Void = { value, options throws(Refusal) in
      guard let value, range.contains(value) else {
        throw Refusal("must be an integer from \(range.lowerBound) to \(range.upperBound)")
      }
      take(&options, value)
    }
    return JobOption(
      name: name, meaning: meaning, schema: .integer(range),
      takeJSON: { node, options throws(Refusal) in
        try accept(node.kind == .number ? node.intValue : nil, &options)
      }, takeText: { text, options throws(Refusal) in try accept(QueryParameter.integer(text), &options) })
  }

  /// A string, which `take` reads and refuses if it is not one that the schema describes.
  static func text(
    _ name: String, _ schema: Schema, _ meaning: String,
    _ take: @escaping @Sendable (inout JobOptions, String) throws(Refusal) -> Void
  ) -> JobOption {
    JobOption(
      name: name, meaning: meaning, schema: schema,
      takeJSON: { node, options throws(Refusal) in
        guard let text = node.stringValue else { throw Refusal("must be a string") }
        try take(&options, text)
      }, takeText: { text, options throws(Refusal) in try take(&options, text) })
  }

  /// An object, which stands in a query as JSON text; kept as it was sent.
  static func object(
    _ name: String, limitBytes: Int, _ meaning: String,
    _ take: @escaping @Sendable (inout JobOptions, [UInt8]) -> Void
  ) -> JobOption {
    let accept: @Sendable (JSONNode, inout JobOptions) throws(Refusal) -> Void = { node, options throws(Refusal) in
      guard node.kind == .object else { throw Refusal("must be an object") }
      let text = node.rawBytes
      guard text.count <= limitBytes else { throw Refusal("must be at most \(limitBytes / 1024) KiB of JSON") }
      take(&options, text)
    }
    return JobOption(
      name: name, meaning: meaning, schema: .map(of: .any), isJSONInQuery: true,
      takeJSON: accept,
      takeText: { text, options throws(Refusal) in
        let document: JSONDocument
        do throws(JSONSyntaxError) {
          document = try JSONDocument.parse(Array(text.utf8))
        } catch {
          throw Refusal("must be a JSON object: \(error.detail)")
        }
        try accept(document.root, &options)
      })
  }

  static func named(_ name: String) -> JobOption? { byName[name] }
  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })
}

extension JobOptions {
  /// Takes a member of a submit body; `false`: there is no such option. `null` is the same as leaving it out.
  mutating func take(_ name: String, _ value: JSONNode) -> Bool {
    guard let option = JobOption.named(name) else { return false }
    if value.isNull { return true }
    do throws(JobOption.Refusal) {
      try option.takeJSON(value, &self)
    } catch {
      fail(name, error.detail)
    }
    return true
  }

  /// Takes a query parameter; `false`: there is no such option.
  mutating func take(query name: String, _ text: String) -> Bool {
    guard let option = JobOption.named(name) else { return false }
    do throws(JobOption.Refusal) {
      try option.takeText(text, &self)
    } catch {
      fail(name, error.detail)
    }
    return true
  }
}
