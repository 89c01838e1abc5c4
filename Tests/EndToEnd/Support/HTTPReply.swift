/// What a server answered: as it came, and taken apart.
struct HTTPReply: Sendable, CustomStringConvertible {
  var status = 0
  var fields: [(name: String, value: String)] = []
  var body: [UInt8] = []

  /// The value of a field, whose name is given in any case; several are joined as a list.
  subscript(name: String) -> String? {
    let values = fields.filter { $0.name == name.lowercased() }.map(\.value)
    return values.isEmpty ? nil : values.joined(separator: ", ")
  }

  var text: String { String(decoding: body, as: UTF8.self) }
  var json: JSON { get throws { try JSON.parse(body) } }
  var description: String { "\(status) \(fields.map { "\($0.name): \($0.value)" }) \(text.prefix(2000))" }

  /// Whether it is an error as the contract describes errors.
  var isProblem: Bool {
    guard self["content-type"] == "application/problem+json", let json = try? json else { return false }
    return json["status"].int == status && json["title"].string != nil && json["type"].string != nil && hasDetail
  }

  /// Every error says what is wrong, in one style: part of a sentence, which begins with a capital only where that is a name.
  private var hasDetail: Bool {
    guard let first = detail.split(separator: " ").first, let initial = first.first else { return false }
    let isName = first.contains { $0 == "-" || $0 == "/" } || first.allSatisfy { !$0.isLowercase }
    return (!initial.isUppercase || isName) && !detail.hasSuffix(".")
  }

  /// What an error says of itself; empty where it says nothing.
  var detail: String { (try? json["detail"].string) ?? "" }

  /// The JSON Pointers of an input error, in the order they came.
  var pointers: [String] { ((try? json["errors"].items) ?? []).compactMap { $0["pointer"].string } }
}
