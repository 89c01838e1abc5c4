import Foundation
import HTTPServer
import HandlerAPI
import JobStore
import StrictJSON
import Testing

@testable import JobService

@Suite("Reading a batch's body")
struct BatchBodyTests {
  /// What a splitter makes of a text that comes in pieces of `size` bytes.
  private func split<Splitter: BatchSplitter>(
    _ text: String, _ splitter: Splitter, size: Int
  ) throws -> (inputs: [BatchInput], splitter: Splitter) {
    var (splitter, inputs) = (splitter, [BatchInput]())
    let bytes = Array(text.utf8)
    for start in stride(from: 0, to: bytes.count, by: size) {
      try splitter.take(bytes[start..<min(start + size, bytes.count)]) { inputs.append($0) }
    }
    try splitter.end { inputs.append($0) }
    return (inputs, splitter)
  }

  @Test("lines are inputs, blank ones are none, and the last needs no end", arguments: [1, 2, 7, 100])
  func lines(size: Int) throws {
    let inputs = try split("{\"a\": 1}\r\n\n  \n[2]\n\"3\"", LineSplitter(inputLimitBytes: 99), size: size).inputs
    #expect(inputs.map { String(decoding: $0.text, as: UTF8.self) } == ["{\"a\": 1}\r", "[2]", "\"3\""])
    #expect(inputs.map(\.line) == [1, 4, 5])
  }

  @Test("a document's inputs are cut out, and its frame is what remains", arguments: [1, 3, 1000])
  func document(size: Int) throws {
    let text = #"""
      {"x": {"args": [1, "]"]}, "\u0061rgs" : [ {"a": "],[\"{"},
       [1, [2]] , "é,", 4 ], "handler": "h", "y": [{"args": [5]}]}
      """#
    let (inputs, splitter) = try split(text, DocumentSplitter(inputLimitBytes: 99), size: size)
    #expect(
      inputs.map { String(decoding: $0.text, as: UTF8.self) }
        == [#"{"a": "],[\"{"}"#, "[1, [2]] ", #""é,""#, "4 "])
    #expect(inputs.map(\.line) == [1, 2, 2, 2] && inputs.map(\.column) == [43, 2, 13, 19])
    let frame = #"{"x": {"args": [1, "]"]}, "\u0061rgs" : [], "handler": "h", "y": [{"args": [5]}]}"#
    #expect(String(decoding: splitter.frame, as: UTF8.self) == frame)
  }

  @Test(
    "what is no JSON is refused where it stands",
    arguments: [
      (#"{"handler": "noop", "args": [{}, , {}]}"#, 1, 34), (#"{"handler": "noop", "args": [{},]}"#, 1, 33),
      ("{\"handler\": \"noop\", \"args\": [{},\n {} x]}", 2, 5),
      ("{\"handler\": \"noop\", \"args\": [{},\n {}] x}", 2, 6),
      ("{\"handler\": \"noop\", \"args\": [{},\n {}]\n x}", 3, 2), ("{\"handler\": \"noop\", \"args\": [{}", 1, 32),
      ("{\"handler\": \"noop\", \"args\": [{},\n {]}", 2, 3),
      (#"{"args": [{}], "handler": "noop", "args": []}"#, 1, 35),
      ("", 1, 1), ("[1", 1, 3), (#"{"handler": "noop", "args": [{}]} x"#, 1, 35),
      (#"{"args": [{"a": 1, "a": 2}]"#, 1, 28),
    ])
  func refused(text: String, line: Int, column: Int) throws {
    let error = #expect(throws: APIError.self) { try intake(text).document() }
    guard case .notJSON(let place)? = error else {
      Issue.record("refused for another reason: \(String(describing: error))")
      return
    }
    #expect(place.line == line && place.column == column, "\(place)")
  }

  @Test("an array may stand as deep as in a single submit, and no deeper")
  func depth() throws {
    func text(_ depth: Int) -> String {
      let value = String(repeating: "[", count: depth) + String(repeating: "]", count: depth)
      return #"{"handler": "echo", "args": ["# + value + "]}"
    }
    #expect(try intake(text(62)).document().count == 1)
    #expect(throws: APIError.self) { try intake(text(63)).document() }
  }

  @Test("errors of inputs are told by their pointers, and only so many")
  func errors() throws {
    let inputs = (0..<100).map { "{\"below\": \($0 % 2)}" }
    let text = #"{"args": ["# + inputs.joined(separator: ",") + #"], "handler": "halve"}"#
    let error = #expect(throws: APIError.self) { try intake(text).document() }
    guard case .unacceptable(let errors)? = error else { return }
    #expect(errors.count == BatchIntake.errorLimit && errors.first?.pointer == "/args/0/below")
    let lines = intake("{\"below\": 5}\n\n{\"below\": 1}\n")
    let second = #expect(throws: APIError.self) { try lines.lines(request("halve")) }
    guard case .unacceptable(let errors)? = second else { return }
    #expect(errors == [InputError(pointer: "/args/1/below", detail: "line 3: must be at least 2")])
  }

  @Test("members of a document are checked as those of a single submit are")
  func members() throws {
    for (text, pointer) in [
      (#"{"args": [{}]}"#, "/handler"), (#"{"handler": "noop"}"#, "/args"),
      (#"{"handler": "noop", "args": {}}"#, "/args"),
      (#"{"handler": "noop", "args": []}"#, "/args"), (#"{"handler": "none", "args": [{}]}"#, "/handler"),
      (#"{"handler": "noop", "args": [{}], "chunk_size": 1001}"#, "/chunk_size"),
      (#"{"handler": "noop", "args": [{}], "chunk_size": 0}"#, "/chunk_size"),
      (#"{"handler": "noop", "args": [{}], "priority": 101}"#, "/priority"),
      (#"{"handler": "noop", "args": [{}], "other": 1}"#, "/other"), ("[]", ""),
    ] {
      let error = #expect(throws: APIError.self) { try intake(text).document() }
      guard case .unacceptable(let errors)? = error else {
        Issue.record("\(text) was refused for another reason")
        continue
      }
      #expect(errors.map(\.pointer) == [pointer], "\(text)")
    }
  }

  @Test("inputs come back from their file as they were sent, large ones too")
  func file() throws {
    let texts = ["{\"n\": 1e400}", "\"\(String(repeating: "x", count: 700_000))\"", "[9007199254740993]", "1.50"]
    let taken = try intake(#"{"args": ["# + texts.joined(separator: " ,\n") + #"], "handler": "echo"}"#).document()
    #expect(taken.count == 4)
    for limit in [1, 3, 10] {
      var (found, offset): ([String], Int) = ([], 0)
      while found.count < 4 {
        let piece = try BatchInputFile.read(taken.file, in: spool, from: offset, limit: limit)
        #expect(!piece.texts.isEmpty && piece.texts.count <= limit)
        found += piece.texts.map { String(decoding: $0, as: UTF8.self) }
        offset = piece.end
      }
      #expect(found == texts)
      #expect(throws: StoreError.self) { try BatchInputFile.read(taken.file, in: spool, from: offset, limit: 1) }
    }
    try spool.remove(taken.file)
    #expect(try FileManager.default.contentsOfDirectory(atPath: spool.path).isEmpty, "a refused body leaves nothing")
  }

  @Test("a batch has its limits: inputs, their size, what may wait in line, and what stands beside them")
  func limits() throws {
    func status(_ intake: BatchIntake) -> Int? {
      (#expect(throws: APIError.self) { try intake.document() })?.problem.status
    }
    let three = #"{"handler": "echo", "args": [1, "123456789", 3]}"#
    #expect(try intake(three).document().count == 3)
    #expect(status(intake(three, queueLimit: 2)) == 422)
    #expect(status(intake(three, inputLimitBytes: 10)) == 413)
    #expect(status(intake(#"{"handler": "echo", "x": "\#(String(repeating: "x", count: 300_000))"}"#)) == 413)
    let many = Array(repeating: "0", count: BatchRequest.inputLimit + 1).joined(separator: ",")
    #expect(status(intake(#"{"handler": "echo", "args": [\#(many)]}"#, queueLimit: .max)) == 422)
  }

  // MARK: -

  private let spool: SpoolFolder
  private let handlers: HandlerRegistry

  init() throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("batch-\(UUID().uuidString)").path
    try SpoolFolder.create(path: folder)
    spool = SpoolFolder(path: folder)
    handlers = try HandlerRegistry([Echo.self, Noop.self, Halve.self])
  }

  private func request(_ handler: String) throws -> BatchRequest {
    try BatchRequest(handler: try #require(handlers[handler]), query: [], chunkSize: nil)
  }

  private func intake(_ text: String, inputLimitBytes: Int = 1 << 20, queueLimit: Int = 1000) -> BatchIntake {
    BatchIntake(
      body: BatchBody(.bytes(Array(text.utf8))), handlers: handlers, spool: spool, inputLimitBytes: inputLimitBytes,
      queueLimit: queueLimit)
  }
}

private struct Echo: Handler {
  static let name = "echo"
  static let summary = ""
  func run(_ input: RawJSON, _ context: JobContext) async throws -> RawJSON { input }
}

private struct Noop: Handler {
  struct Nothing: Codable, Sendable {}
  static let name = "noop"
  static let summary = ""
  func run(_ input: Nothing, _ context: JobContext) async throws -> Nothing { input }
}

private struct Halve: Handler {
  struct Input: Decodable, Sendable { var below: Int }
  static let name = "halve"
  static let summary = ""
  static let constraints: [InputConstraint] = [.integer("below", 2...1000)]
  func run(_ input: Input, _ context: JobContext) async throws -> [String: Int] { ["half": input.below / 2] }
}
