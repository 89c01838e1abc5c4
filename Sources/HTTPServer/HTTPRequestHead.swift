import CMicrohttpd
import EventLoop
import Glibc

/// A request's line and header fields, read on demand from the connection's memory. They can be read until the exchange
/// is answered: copy what is needed longer.
@LoopActor
public struct HTTPRequestHead {
  let exchange: HTTPExchange

  public var method: HTTPMethod { exchange.method }
  /// 1.0 or 1.1.
  public var version: (major: Int, minor: Int) { (1, exchange.checked.minorVersion) }
  /// As it stood in the request line.
  public var target: String { String(decoding: exchange.connection?.target ?? [], as: UTF8.self) }
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
    let parsed: Result<QueryParameters, Problem> = connection.target.withUnsafeBytes { target in
      do throws(Problem) {
        return .success(try QueryParameters(UnsafeRawBufferPointer(rebasing: target[range])))
      } catch {
        return .failure(error)
      }
    }
    return try parsed.get()
  }

  public var hasQuery: Bool { exchange.connection?.queryRange != nil }

  /// The value of the first field of this name (in any case), without blanks around it.
  public func header(_ name: String) -> String? {
    guard let value = value(name) else { return nil }
    var end = strlen(value)
    // Blanks before the value are skipped by libmicrohttpd, those after it are not.
    while end > 0, HeadCharacter.isBlank(UInt8(bitPattern: value[end - 1])) { end -= 1 }
    return String(decoding: UnsafeRawBufferPointer(start: value, count: end), as: UTF8.self)
  }

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
    guard let value = value(name) else { return false }
    return strcmp(value, expected) == 0
  }

  private func value(_ name: String) -> UnsafePointer<CChar>? {
    guard let connection = exchange.connection else { return nil }
    return MHD_lookup_connection_value(connection.mhd, .HEADER_KIND, name)
  }
}

private struct FieldSearch {
  let name: String
  var values: [String] = []

  static let visit: MHD_KeyValueIterator = { context, _, key, value in
    guard let search = context?.assumingMemoryBound(to: FieldSearch.self), let key, let value else { return .YES }
    if strcasecmp(key, search.pointee.name) == 0 { search.pointee.values.append(String(cString: value)) }
    return .YES
  }
}
