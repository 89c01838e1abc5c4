import EventLoop
import HTTPServer
import JobModel
import JobStore
import StrictJSON

/// `GET /v1/jobs`: newest first, a page at a time.
extension API {
  nonisolated static let pageLimit = 1...200
  nonisolated static let defaultPage = 50

  func list(_ call: Call) throws(APIError) {
    var filter = JobFilter()
    filter.state = call.query["state"].flatMap { JobState(rawValue: $0) }
    filter.handler = call.query["handler"]
    filter.queue = call.query["queue"]
    if let text = call.query["batch"] {
      guard Self.isUUID(text) else { throw .badRequest("batch must be a batch's id") }
      // No job is of a batch that never was.
      guard let id = JobID(text), batchIssuer.issued(id) else {
        return send(call, HTTPResponse(mediaType: "application/json", Self.document(JobPage(jobs: [], next: nil))))
      }
      filter.batch = id
    }
    let limit = call.integer("limit") ?? Self.defaultPage
    var before: JobID?
    if let text = call.query["cursor"] {
      guard let id = JobID(text), issuer.issued(id) else {
        throw .badRequest("the cursor is not one that this server gave out")
      }
      before = id
    }
    let (found, start) = (filter, before)
    later(call) { [self] in
      let page = try await store.list(found, before: start, limit: limit)
      var headers = [HTTPField("Content-Type", "application/json")]
      if let next = page.next {
        headers.append(HTTPField("Link", "<\(Self.link(found, limit, next))>; rel=\"next\""))
      }
      return HTTPResponse(status: 200, headers: headers, body: .bytes(Self.document(page)))
    }
  }

  /// In the form of RFC 9562, section 4, whatever its version.
  private static func isUUID(_ text: String) -> Bool {
    let parts = text.utf8.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
    return parts.map(\.count) == [8, 4, 4, 4, 12]
      && parts.joined().allSatisfy { Character(Unicode.Scalar($0)).isHexDigit }
  }

  private static func document(_ page: JobPage) -> [UInt8] {
    var writer = JSONWriter(reservingBytes: page.jobs.count * 1024 + 64)
    writer.beginObject()
    writer.key("jobs")
    writer.beginArray()
    for job in page.jobs { JobDocument.write(job, into: &writer) }
    writer.endArray()
    writer.key("next_cursor")
    if let next = page.next { writer.string(next.description) } else { writer.null() }
    writer.endObject()
    return writer.bytes
  }

  /// The next page's path; the filter's values were checked, and need no escape.
  private static func link(_ filter: JobFilter, _ limit: Int, _ next: JobID) -> String {
    var link = "/v1/jobs?limit=\(limit)&cursor=\(next)"
    if let state = filter.state { link += "&state=\(state.rawValue)" }
    if let handler = filter.handler { link += "&handler=\(PercentEncoding.encode(handler))" }
    if let queue = filter.queue { link += "&queue=\(PercentEncoding.encode(queue))" }
    if let batch = filter.batch { link += "&batch=\(batch)" }
    return link
  }
}

enum PercentEncoding {
  /// Escapes everything but unreserved characters (RFC 3986, section 2.3).
  static func encode(_ text: String) -> String {
    var encoded = ""
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"),
        UInt8(ascii: "~"):
        encoded.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let digits = String(byte, radix: 16, uppercase: true)
        encoded += "%" + (digits.count == 1 ? "0" : "") + digits
      }
    }
    return encoded
  }
}
