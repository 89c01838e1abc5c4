import Configuration
import Foundation

/// An error reply: RFC 9457's `application/problem+json`, or whatever else came with an error status.
struct Problem: Equatable {
  struct InputError: Decodable, Equatable {
    var pointer: String?
    var detail: String?
  }
  private struct Document: Decodable {
    var title: String?
    var detail: String?
    var errors: [InputError]?
    var line: Int?
    var column: Int?
  }
  let status: Int
  let title: String
  let detail: String?
  let errors: [InputError]

  init(status: Int, body: [UInt8]) {
    self.status = status
    let document = try? JSONDecoder().decode(Document.self, from: Data(body))
    title = document?.title ?? "status \(status)"
    let position = document?.line.map { " (line \($0), column \(document?.column ?? 1))" } ?? ""
    detail = document?.detail.map { $0 + position }
    errors = document?.errors ?? []
  }

  var message: String {
    let lines = errors.map { error in
      "\n  \(printable(error.pointer ?? "", limit: 200)): \(printable(error.detail ?? "", limit: 500))"
    }
    return "\(printable(detail ?? title, limit: 500)) (\(status))" + lines.joined()
  }
}
