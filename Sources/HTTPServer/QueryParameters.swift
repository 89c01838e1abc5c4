/// The parameters of a request's query, in the order in which they were sent; a name may come more than once.
public struct QueryParameters: Sendable, Equatable {
  public struct Item: Sendable, Equatable {
    public let name: String
    /// Empty where there is no `=`.
    public let value: String
  }

  public private(set) var items: [Item] = []

  /// Reads `name=value&name=value`.
  init(_ raw: UnsafeRawBufferPointer) throws(Problem) {
    for pair in raw.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: true) {
      let mark = pair.firstIndex(of: UInt8(ascii: "=")) ?? pair.endIndex
      let value = mark < pair.endIndex ? pair[(mark + 1)...] : pair[mark...]
      guard let name = RequestTarget.decodeQueryPart(UnsafeRawBufferPointer(rebasing: pair[..<mark])),
        let value = RequestTarget.decodeQueryPart(UnsafeRawBufferPointer(rebasing: value))
      else { throw Problem(400, "the query has a bad escape, or is not UTF-8") }
      items.append(Item(name: name, value: value))
    }
  }

  init() {}

  /// Of a request without a query.
  public static let none = QueryParameters()

  /// The first value of this name.
  public subscript(_ name: String) -> String? { items.first { $0.name == name }?.value }
}
