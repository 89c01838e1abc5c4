import CMicrohttpd
import EventLoop
import Glibc

/// A request's line and header fields, read on demand from the connection's memory. They can be read until the exchange
/// is answered: copy what is needed longer.
@LoopActor
public struct HTTPRequestHead {
  let exchange: HTTPExchange

  public var method: HTTPMethod { exchange.method }
  /// When the head was complete, on the monotonic clock, in nanoseconds.
  public var began: UInt64 { exchange.began }
  /// 1.0 or 1.1.
  public var version: (major: Int, minor: Int) { (1, exchange.checked.minorVersion) }
  /// As it stood in the request line.
  public var target: String {
    guard let connection = exchange.connection else { return "" }
    return String(decoding: connection.targetBytes, as: UTF8.self)
  }
  /// Decoded: valid UTF-8 without control characters, beginning with `/` (or `*` of `OPTIONS *`).
  public var path: String { String(decoding: exchange.connection?.path ?? [], as: UTF8.self) }
  /// The same as bytes, to compare with without making a string.
  public var pathBytes: [UInt8] { exchange.connection?.path ?? [] }
  public var client: ClientAddress? { exchange.connection?.client }
  /// The announced length of the body; `nil` where it comes in chunks.
  public var contentLength: Int? {
    switch exchange.checked.framing {
    case .none: 0
    case .length(let count): count
    case .chunked: nil
    }
  }
  public var hasBody: Bool { exchange.checked.framing != .none }

  /// The parameters of the query.
  ///
  /// - Throws: a problem of status 400 when they have a bad escape or are not UTF-8.
  public func query() throws(Problem) -> QueryParameters {
    guard let connection = exchange.connection, let range = connection.queryRange else { return QueryParameters() }
    return try QueryParameters(UnsafeRawBufferPointer(rebasing: connection.targetBytes[range]))
  }

  public var hasQuery: Bool { exchange.connection?.queryRange != nil }

  /// The value of the first field of this name (in any case), without blanks around it.
  public func header(_ name: String) -> String? {
    guard let value = value(name) else { return nil }
    return String(decoding: value, as: UTF8.self)
  }

  /// The same as bytes, whatever they are.
  public func headerBytes(_ name: String) -> [UInt8]? { value(name).map { Array($0) } }

  /// The values of all fields of this name as one list, as RFC 9110, section 5.3, combines them.
  public func headerList(_ name: String) -> String? {
    guard let connection = exchange.connection else { return nil }
    var search = FieldSearch(name: name)
    withUnsafeMutablePointer(to: &search) { search in
      _ = MHD_get_connection_values(connection.mhd, .HEADER_KIND, FieldSearch.visit, search)
    }
    return search.values.isEmpty ? nil : search.values.joined(separator: ", ")
  }

  /// Whether the first field of this name has exactly this value. Makes no string.
  public func headerEquals(_ name: String, _ expected: String) -> Bool {
    guard let value = value(name), value.count == expected.utf8.count else { return false }
    return FieldSearch.isEqual(value, expected)
  }

  private func value(_ name: String) -> UnsafeRawBufferPointer? {
    guard let connection = exchange.connection else { return nil }
    return FieldSearch.first(name, in: connection.mhd)
  }
}

private struct FieldSearch {
  let name: String
  var values: [String] = []

  // Outside of the loop's isolation: a closure made inside of it checks its thread each time it is called.

  static func first(_ name: String, in connection: OpaquePointer) -> UnsafeRawBufferPointer? {
    var name = name
    return name.withUTF8 { name in
      var value: UnsafePointer<CChar>?
      var count = 0
      let found = name.withMemoryRebound(to: CChar.self) {
        MHD_lookup_connection_value_n(connection, .HEADER_KIND, $0.baseAddress, $0.count, &value, &count)
      }
      guard found == .YES else { return nil }
      let bytes = UnsafeRawBufferPointer(start: value, count: count)
      // Blanks before the value are skipped by libmicrohttpd, those after it are not.
      while count > 0, HeadCharacter.isBlank(bytes[count - 1]) { count -= 1 }
      return UnsafeRawBufferPointer(rebasing: bytes[..<count])
    }
  }

  static func isEqual(_ value: UnsafeRawBufferPointer, _ expected: String) -> Bool {
    var expected = expected
    return expected.withUTF8 { $0.elementsEqual(value) }
  }

  static let visit: MHD_KeyValueIterator = { context, _, key, value in
    guard let search = context?.assumingMemoryBound(to: FieldSearch.self), let key, let value else { return .YES }
    if strcasecmp(key, search.pointee.name) == 0 { search.pointee.values.append(String(cString: value)) }
    return .YES
  }
}
