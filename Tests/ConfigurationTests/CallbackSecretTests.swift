import Foundation
import Testing

@testable import Configuration

@Suite struct CallbackSecretTests {
  /// The secret of a server whose file has this content.
  private func secret(_ content: [UInt8]) throws -> [UInt8]? {
    let path = FileManager.default.temporaryDirectory.appendingPathComponent("secret-\(UUID().uuidString)").path
    try Data(content).write(to: URL(fileURLWithPath: path))
    defer { try? FileManager.default.removeItem(atPath: path) }
    return try ConfigurationLoader(flags: [.callbackSecretFile: [path]], handlerNames: []).load().callbackSecret
  }

  @Test("a secret is plain text, or whsec_ and base64, without the blanks around it")
  func forms() throws {
    let plain = "0123456789abcdef01234567"
    #expect(try secret(Array(plain.utf8)) == Array(plain.utf8))
    #expect(try secret(Array(" \(plain)\r\n".utf8)) == Array(plain.utf8))
    let bytes = (0..<32).map { UInt8($0 * 8) }
    #expect(try secret(Array("whsec_\(Data(bytes).base64EncodedString())\n".utf8)) == bytes)
  }

  @Test(
    "one that is too short or too long, or not base64 behind whsec_, is refused",
    arguments: [
      "", "short", "whsec_c2hvcnQ=", "whsec_!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!",
      String(repeating: "x", count: 1025),
    ])
  func refused(content: String) {
    let error = #expect(throws: ConfigurationError.self) { try secret(Array(content.utf8)) }
    #expect(error?.exitStatus == 78)
  }

  @Test("a file that cannot be read ends with 66, and without one there is no secret")
  func unreadable() throws {
    let error = #expect(throws: ConfigurationError.self) {
      try ConfigurationLoader(flags: [.callbackSecretFile: ["/nowhere/secret"]], handlerNames: []).load()
    }
    #expect(error?.exitStatus == 66)
    #expect(try ConfigurationLoader(handlerNames: []).load().callbackSecret == nil)
  }
}
