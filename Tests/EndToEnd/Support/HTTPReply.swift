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
    return json["status"].int == status && json["title"].string != nil && json["type"].string != nil
  }

  /// The JSON Pointers of an input error, in the order they came.
  var pointers: [String] { ((try? json["errors"].items) ?? []).compactMap { $0["pointer"].string } }
}
