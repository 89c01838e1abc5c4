import HTTPServer
import HandlerAPI
import JobModel
import JobStore
import StrictJSON

/// Why a request was refused. Each case becomes one status, in one place.
enum APIError: Error, Sendable {
  /// The body is not JSON.
  case notJSON(JSONSyntaxError)
  /// The request itself is malformed: a query parameter, a header.
  case badRequest(String)
  /// Understood, but not acceptable.
  case unacceptable([InputError])
  /// The same where no place in the body is at fault.
  case refused(String)
  /// The media type cannot be taken here.
  case unsupportedMediaType(String)
  /// The body's coding cannot be taken.
  case unsupportedCoding(String)
  case notFound(String)
  case gone
  case batchGone
  case methodNotAllowed([String])
  case conflict(String, retryAfterSeconds: Int?)
  /// The job whose result was asked for has none.
  case jobHasNoResult(Job)
  /// The job that was run for this request did not succeed.
  case jobFailed(Job)
  case forbidden(String)
  /// There was no token, or none that holds.
  case unauthorized(hadToken: Bool)
  case scopeMissing(TokenScope)
  /// The tokens have not been read yet.
  case starting
  case tooManyRequests(limitPerSecond: Int, retryAfterSeconds: Int)
  case overloaded(String, retryAfterSeconds: Int)
  case draining
  case storeAway(StoreError)
  case notAcceptable(String)
  /// Of something within a body, or of one where none belongs; a whole body that is too large is refused while it comes.
  case tooLarge(String)
  /// The resource is not what the request's condition says.
  case preconditionFailed(String)

  static func unacceptable(_ pointer: String, _ detail: String) -> APIError {
    .unacceptable([InputError(pointer: pointer, detail: detail)])
  }

  var problem: Problem {
    switch self {
    case .notJSON(let error):
      return Problem(
        400, error.detail, title: "Not JSON",
        members: Array("\"line\":\(error.line),\"column\":\(error.column)".utf8))
    case .badRequest(let detail):
      return Problem(400, detail)
    case .unacceptable(let errors):
      return Problem(422, errors.first.map(Self.sentence), members: Self.member("errors", JSONText.errors(errors)))
    case .refused(let detail):
      return Problem(422, detail)
    case .unsupportedMediaType(let detail):
      return Problem(415, detail)
    case .unsupportedCoding(let detail):
      // RFC 9110, section 15.5.16: it tells this 415 from the other.
      return Problem(415, detail, headers: [HTTPField("Accept-Encoding", "identity")])
    case .notFound(let detail):
      return Problem(404, detail)
    case .gone:
      return Problem(410, "this job was deleted or has expired")
    case .batchGone:
      return Problem(410, "the jobs of this batch were deleted or have expired")
    case .methodNotAllowed(let methods):
      let allow = methods.joined(separator: ", ")
      return Problem(405, "this resource takes \(allow)", headers: [HTTPField("Allow", allow)])
    case .conflict(let detail, let seconds):
      return Problem(409, detail, headers: seconds.map { [HTTPField("Retry-After", "\($0)")] } ?? [])
    case .jobHasNoResult(let job):
      return Problem(
        409, "the job has no result: it \(job.state == .cancelled ? "was cancelled" : "failed")",
        members: job.error.map { Self.member("job_error", JSONText.error($0)) } ?? [])
    case .jobFailed(let job):
      return Problem(
        job.error?.kind == .timedOut ? 504 : 500, job.error?.message, title: "The job did not succeed",
        members: job.error.map { Self.member("job_error", JSONText.error($0)) } ?? [],
        headers: [HTTPField("Location", JobDocument.path(job.id))])
    case .forbidden(let detail):
      return Problem(403, detail)
    case .unauthorized(let hadToken):
      // RFC 6750, section 3: a request without credentials is told no reason.
      let reason = hadToken ? ", error=\"invalid_token\"" : ""
      return Problem(
        401,
        hadToken ? "the token is unknown, was revoked or has expired" : "a token is needed: Authorization: Bearer …",
        headers: [HTTPField("WWW-Authenticate", "Bearer realm=\"millrace\"" + reason)])
    case .scopeMissing(let scope):
      return Problem(
        403, "the token lacks the scope '\(scope.rawValue)'",
        headers: [
          HTTPField(
            "WWW-Authenticate", "Bearer realm=\"millrace\", error=\"insufficient_scope\", scope=\"\(scope.rawValue)\"")
        ])
    case .tooManyRequests(let limit, let seconds):
      return Problem(
        429, "this client sends more than the \(limit) requests a second that it may",
        headers: [HTTPField("Retry-After", "\(seconds)")])
    case .starting:
      return Problem(503, "the server is starting", headers: [HTTPField("Retry-After", "1")])
    case .overloaded(let detail, let seconds):
      return Problem(503, detail, title: "Overloaded", headers: [HTTPField("Retry-After", "\(seconds)")])
    case .draining:
      return Problem(
        503, "the server is being stopped and takes no new jobs", title: "Shutting down",
        headers: [HTTPField("Retry-After", "5")])
    case .storeAway:
      // The cause is logged; clients learn nothing of files and codes.
      return Problem(
        503, "the job store does not answer; nothing was changed", title: "Store away",
        headers: [HTTPField("Retry-After", "5")])
    case .notAcceptable(let detail):
      return Problem(406, detail)
    case .tooLarge(let detail):
      return Problem(413, detail)
    case .preconditionFailed(let detail):
      return Problem(412, detail)
    }
  }

  private static func member(_ name: String, _ text: [UInt8]) -> [UInt8] { Array("\"\(name)\":".utf8) + text }

  private static func sentence(_ error: InputError) -> String {
    error.pointer.isEmpty ? error.detail : "\(error.pointer): \(error.detail)"
  }
}

/// Small pieces of JSON text.
enum JSONText {
  static func errors(_ errors: [InputError]) -> [UInt8] {
    var writer = JSONWriter()
    writer.beginArray()
    for error in errors {
      writer.beginObject()
      writer.field("pointer", error.pointer)
      writer.field("detail", error.detail)
      writer.endObject()
    }
    writer.endArray()
    return writer.bytes
  }

  static func error(_ error: JobError) -> [UInt8] {
    var writer = JSONWriter()
    JobDocument.write(error, into: &writer)
    return writer.bytes
  }
}
