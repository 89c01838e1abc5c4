import HTTPServer

/// A parameter of a request's query. An undeclared one is refused, and so is one that stands twice.
struct QueryParameter: Sendable {
  enum Form: Sendable {
    /// Digits, perhaps behind a minus, and nothing else.
    case integer(ClosedRange<Int>)
    case oneOf([String])
    /// Text of a certain spelling: its schema, what to tell who misses it ("must be …"), and the check.
    case spelled(Schema, expectation: String, isOne: @Sendable (String) -> Bool)
    /// JSON text; whoever reads it says what is wrong with it.
    case json(Schema)
    /// Whoever reads it says what is wrong with it.
    case readLater(Schema)
  }

  let name: String
  let form: Form
  let meaning: String
  /// `name` is followed by one of the client's own: `args.below`.
  var isFamily = false
  /// It counts only where another parameter is given, or no body. OpenAPI has no words for that: it is described in a
  /// sentence.
  var isConditional = false
  /// It is an option of a submit (see ``JobOption``), and not merely called like one.
  var isJobOption = false

  /// What its values are called where a client finds them, if not by ``name``: who gives it under that name is told.
  let takes: String?

  init(_ name: String, _ form: Form, _ meaning: String, takes: String? = nil) {
    self.name = name
    self.form = form
    self.meaning = meaning
    self.takes = takes
  }

  static let wait = QueryParameter(
    "wait", .integer(0...WaitRequest.longestWish),
    "Waits so many seconds for the end, at most as many as `/v1` says in `limits.wait_seconds`.")

  var conditional: QueryParameter {
    var copy = self
    copy.isConditional = true
    return copy
  }

  /// `args` and `args.NAME`: the arguments of a job whose input is not JSON, or that are easier written in a query.
  static let args: [QueryParameter] = {
    let whole = QueryParameter("args", .readLater(.string), "The arguments as a JSON object.")
    var single = QueryParameter("args.", .readLater(.string), "One argument, typed by the handler's schema.")
    single.isFamily = true
    return [whole.conditional, single.conditional]
  }()

  func has(name other: String) -> Bool {
    isFamily ? other.utf8.count > name.utf8.count && other.hasPrefix(name) : other == name
  }

  var schema: Schema {
    switch form {
    case .integer(let range): .integer(range)
    case .oneOf(let values): .string(oneOf: values)
    case .spelled(let schema, _, _): schema
    case .json(let schema), .readLater(let schema): schema
    }
  }

  /// What is wrong with a value; `nil` if nothing is.
  func complaint(about value: String) -> String? {
    switch form {
    case .integer(let range):
      if let number = Self.integer(value), range.contains(number) { return nil }
      return "must be a whole number from \(range.lowerBound) to \(range.upperBound)"
    case .oneOf(let values): return values.contains(value) ? nil : "must be one of \(values.joined(separator: ", "))"
    case .spelled(_, let expectation, let isOne): return isOne(value) ? nil : "must be \(expectation)"
    case .json, .readLater: return nil
    }
  }

  /// As JSON writes integers: no plus, no zeros in front.
  static func integer(_ text: String) -> Int? {
    guard let number = Int(text), String(number) == text else { return nil }
    return number
  }
}

extension [QueryParameter] {
  /// Reads a query that may have these parameters, each once, and no others.
  func read(_ parameters: QueryParameters) throws(APIError) {
    var seen: Set<String> = []
    for item in parameters.items {
      guard let parameter = first(where: { $0.has(name: item.name) }) else {
        throw .badRequest("there is no query parameter '\(item.name)' here: \(alternative(to: item.name))")
      }
      guard seen.insert(item.name).inserted else {
        throw .badRequest("the query parameter '\(item.name)' stands twice")
      }
      if let complaint = parameter.complaint(about: item.value) { throw .badRequest("\(item.name) \(complaint)") }
    }
  }
}

extension [QueryParameter] {
  /// What to tell who gave a parameter that is none of these.
  private func alternative(to name: String) -> String {
    if let meant = first(where: { $0.takes == name }) { return "'\(meant.name)' takes a \(name)" }
    if isEmpty { return "this takes none" }
    let names = map { $0.isFamily ? "\($0.name)NAME" : $0.name }
    return "this takes \(names.joined(separator: ", "))"
  }
}

extension QueryParameter.Form {
  /// As handlers are named.
  static let name = Self.spelled(
    .name, expectation: "a name: lower-case letters, digits and _, 64 at the most", isOne: isHandlerName)

  static let queueName = Self.spelled(
    .string(pattern: QueueName.pattern), expectation: QueueName.expectation, isOne: QueueName.isOne)

  @Sendable private static func isHandlerName(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"): true
        default: false
        }
      }
  }
}
