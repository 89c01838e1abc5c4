import HandlerAPI
import JobModel
import JobStore
import Multiprocessing
import StrictJSON

/// Turns what a handler returned into what the store keeps: small results stand in the job's row, others in a spool file.
struct ResultKeeper: Sendable {
  let spool: SpoolFolder
  let disk: BlockingThread
  /// Of one result.
  let limitBytes: Int

  /// Reads and checks a result; the outcome is `invalid_result` where it is not what it says it is.
  func keep(mediaType: String, _ payload: Payload, for job: Job) async -> JobOutcome {
    guard MediaType.isWellFormed(mediaType) else {
      let text = "the result's media type is not one: '\(mediaType.prefix(100))'"
      return .failed(JobError(.invalidResult, text, attempt: job.attempt))
    }
    if payload.byteCount > limitBytes {
      let text = "the result has \(payload.byteCount) bytes, and at most \(limitBytes) are kept"
      return .failed(JobError(.invalidResult, text, attempt: job.attempt))
    }
    do {
      switch payload {
      case .bytes(let bytes) where bytes.count <= JobResult.inlineLimitBytes:
        if MediaType.isJSON(mediaType) {
          do {
            _ = try JSONDocument.parse(bytes)
          } catch {
            return .failed(JobError(.invalidResult, "the result is not JSON: \(error)", attempt: job.attempt))
          }
        }
        return .succeeded(JobResult(mediaType: mediaType, byteCount: bytes.count, body: .bytes(bytes)))
      case .bytes(let bytes):
        let name = try await disk.run { try spool.write(bytes) }
        return .succeeded(JobResult(mediaType: mediaType, byteCount: bytes.count, body: .file(name: name)))
      case .file(_, let byteCount) where byteCount <= JobResult.inlineLimitBytes:
        // Workers send it in a file from half of that on.
        return await keep(mediaType: mediaType, .bytes(try await disk.run { try payload.readAll() }), for: job)
      case .file(let file, let byteCount):
        let name = try await disk.run { try spool.copy(from: file.descriptor) }
        return .succeeded(JobResult(mediaType: mediaType, byteCount: byteCount, body: .file(name: name)))
      }
    } catch {
      return .failed(JobError(.invalidResult, "the result could not be stored: \(error)", attempt: job.attempt))
    }
  }

  /// Removes a result's file.
  func discard(_ name: String) async throws {
    let spool = spool
    try await disk.run { try spool.remove(name) }
  }
}

enum MediaType {
  /// What nearly every result and request is.
  static let json = "application/json"

  /// Whether it can stand in a header: `type/subtype` with anything printable behind it (RFC 9110, section 8.3.1).
  static func isWellFormed(_ mediaType: String) -> Bool {
    if mediaType == json { return true }
    let essence = mediaType.prefix { $0 != ";" }
    let parts = essence.split(separator: "/", omittingEmptySubsequences: false)
    return mediaType.utf8.count <= 255 && mediaType.utf8.allSatisfy { (0x20..<0x7f).contains($0) }
      && parts.count == 2 && parts.allSatisfy { !$0.trimmed.isEmpty }
  }

  /// The parameter `charset` in lower case, without quotes (RFC 9110, section 5.6.6).
  static func charset(_ mediaType: String) -> String? {
    for parameter in mediaType.split(separator: ";").dropFirst() {
      let words = parameter.split(separator: "=", maxSplits: 1).map(\.trimmed)
      guard words.count == 2, words[0].lowercased() == "charset" else { continue }
      return words[1].lowercased().replacing("\"", with: "")
    }
    return nil
  }

  /// `application/json` and the `+json` types (RFC 6839, section 3.1), with or without parameters.
  static func isJSON(_ mediaType: String) -> Bool {
    if mediaType == json { return true }
    let essence = mediaType.prefix { $0 != ";" }.lowercased().trimmed
    return essence == "application/json" || essence == "text/json" || essence.hasSuffix("+json")
  }
}

extension StringProtocol {
  /// Without the spaces and tabs around it.
  var trimmed: String {
    var rest = self[...]
    while let first = rest.first, first == " " || first == "\t" { rest = rest.dropFirst() }
    while let last = rest.last, last == " " || last == "\t" { rest = rest.dropLast() }
    return String(rest)
  }
}
