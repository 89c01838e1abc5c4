import HandlerAPI
import Testing

@testable import Handlers

@Suite struct BodyHandlerTests {
  private func digest(_ body: RawBody) async throws -> String {
    try await SHA256().run(body, Recorder().context()).sha256
  }

  private func counts(_ body: RawBody) async throws -> [Int] {
    let output = try await WordCount().run(body, Recorder().context())
    return [output.lines, output.words, output.bytes]
  }

  @Test(
    "digests the vectors of FIPS 180-4",
    arguments: [
      ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
      ),
    ])
  func vectors(text: String, expected: String) async throws {
    #expect(try await digest(bytesBody(Array(text.utf8))) == expected)
    #expect(try await digest(argsBody(#"{"text": "\#(text)"}"#)) == expected)
  }

  @Test("digests a file as sha256sum does, and tells its size")
  func file() async throws {
    var random = SplitMix(state: 7)
    let bytes = (0..<1_000_003).map { _ in UInt8.random(in: 0...255, using: &random) }
    let folder = try TemporaryFolder()
    let path = try folder.write(bytes, to: "input")
    let recorder = Recorder()
    let output = try await SHA256().run(fileBody(path, byteCount: bytes.count), recorder.context())
    #expect(try printed(by: ["sha256sum", path]).hasPrefix(output.sha256 + " "))
    #expect(output.bytes == bytes.count)
    #expect(recorder.reports.last?.completed == bytes.count)
    #expect(recorder.reports.last?.total == bytes.count)
    #expect(recorder.reports.count > 2)
  }

  @Test("stops between two pieces of a large body")
  func cancellation() async {
    let recorder = Recorder(cancelAtLook: 3)
    await #expect(throws: CancellationError.self) {
      try await SHA256().run(bytesBody(Array(repeating: 0, count: 4 << 20)), recorder.context())
    }
    #expect(recorder.looks == 3)
  }

  @Test("neither a body nor a text is an error", arguments: ["{}", #"{"text": 1}"#, #"{"text": null}"#])
  func missingText(args: String) async {
    await #expect(throws: HandlerError.self) { try await digest(argsBody(args)) }
    await #expect(throws: HandlerError.self) { try await counts(argsBody(args)) }
  }

  @Test(
    "counts text as wc does",
    arguments: [
      "", "\n", "hello world", "hello world\n", "  two\twords \n\n", "a\u{0b}b\u{0c}c\rd", "\n\n\n", " ", "x",
      "é ü — 日本\n",
    ])
  func wcOnText(text: String) async throws {
    try await expectAsWc(Array(text.utf8), locale: "C.UTF-8")
    #expect(try await counts(argsBody(jsonText(text))) == counts(bytesBody(Array(text.utf8))))
  }

  @Test("counts random printable bytes as wc does, whatever piece a word ends in", arguments: 1...6)
  func wcOnRandomText(seed: UInt64) async throws {
    var random = SplitMix(state: seed)
    let alphabet = Array("abcXYZ019.,-  \t\n\r\u{0b}\u{0c}".utf8)
    let count = Int.random(in: 1...600_000, using: &random)
    try await expectAsWc((0..<count).map { _ in alphabet.randomElement(using: &random)! }, locale: "C")
  }

  @Test("any run of bytes that are not white space is a word, printable or not")
  func binary() async throws {
    #expect(try await counts(bytesBody([0, 1, 32, 0xff, 0x80, 10, 0xc3])) == [1, 3, 7])
    var random = SplitMix(state: 99)
    let bytes = (0..<100_000).map { _ in UInt8.random(in: 0...255, using: &random) }
    let spaces: Set<UInt8> = [9, 10, 11, 12, 13, 32]
    let words = bytes.split { spaces.contains($0) }.count
    #expect(try await counts(bytesBody(bytes)) == [bytes.count { $0 == 10 }, words, bytes.count])
  }

  private func expectAsWc(_ bytes: [UInt8], locale: String) async throws {
    let folder = try TemporaryFolder()
    let path = try folder.write(bytes, to: "input")
    let words = try printed(by: ["env", "LC_ALL=\(locale)", "wc", "-lwc", path]).split(separator: " ")
    let expected = words.prefix(3).compactMap { Int($0) }
    #expect(expected.count == 3)
    #expect(try await counts(fileBody(path, byteCount: bytes.count)) == expected)
  }

  private func jsonText(_ text: String) -> String {
    let escaped = text.unicodeScalars.map {
      $0.value < 32 ? "\\u00\($0.value < 16 ? "0" : "")" + String($0.value, radix: 16) : String($0)
    }
    return #"{"text": "\#(escaped.joined())"}"#
  }
}
