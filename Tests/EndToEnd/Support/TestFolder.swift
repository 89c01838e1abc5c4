import Foundation
import Glibc

/// A folder of a test's own, removed with everything in it.
final class TestFolder: Sendable {
  let path: String

  init() throws {
    var template = Array("/tmp/millrace-e2e-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw NeverHappened(description: "mkdtemp failed: \(errno)") }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// A test that failed half way leaves no folder behind either; one that came to its end has removed it.
  deinit { try? FileManager.default.removeItem(atPath: path) }

  func file(_ name: String) -> String { path + "/" + name }

  /// Writes a file, and returns its path.
  @discardableResult
  func write(_ text: String, to name: String) throws -> String {
    try Data(text.utf8).write(to: URL(fileURLWithPath: file(name)))
    return file(name)
  }

  func remove() throws { try FileManager.default.removeItem(atPath: path) }
}
