// A batch's request body, taken apart while it is read: no more of it is held than one input.

import CLinux
import Glibc
import HTTPServer
import StrictJSON

/// One input as it stands in a body.
struct BatchInput {
  let text: [UInt8]
  /// Where it begins in the body, counted from 1.
  let line: Int
  let column: Int

  /// Reads it as strictly as any text; errors tell their place in the body.
  func parsed(maxDepth: Int) throws(APIError) -> JSONNode {
    do {
      return try JSONDocument.parse(text, maxDepth: maxDepth).root
    } catch {
      throw .notJSON(
        JSONSyntaxError(
          line: line + error.line - 1, column: error.line == 1 ? column + error.column - 1 : error.column,
          detail: error.detail))
    }
  }
}

/// What takes a body apart. It is given the body piece by piece, and gives each input as soon as it is complete.
protocol BatchSplitter {
  typealias Sink = (BatchInput) throws -> Void
  mutating func take(_ bytes: ArraySlice<UInt8>, _ sink: Sink) throws
  mutating func end(_ sink: Sink) throws
}

/// A complete request body, in memory or in its spool file, that can be read from its start as often as needed. Reading
/// blocks.
struct BatchBody: Sendable {
  private let memory: [UInt8]
  private let path: String?

  static let pieceBytes = 128 * 1024

  init(_ body: RequestBody) {
    switch body {
    case .empty: (memory, path) = ([], nil)
    case .bytes(let bytes): (memory, path) = (bytes, nil)
    case .file(let file): (memory, path) = ([], file.path)
    }
  }

  /// - Throws: what `sink` throws, what the splitter does, and ``APIError`` where the file is gone with its client.
  func split(by splitter: inout some BatchSplitter, _ sink: BatchSplitter.Sink) throws {
    if let path {
      let descriptor = linux_open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW, 0)
      guard descriptor >= 0 else { throw APIError.badRequest("the client has left") }
      defer { close(descriptor) }
      var piece = [UInt8](repeating: 0, count: Self.pieceBytes)
      while true {
        let count = read(descriptor, &piece, piece.count)
        if count == 0 { break }
        if count > 0 {
          try splitter.take(piece[..<count], sink)
        } else if errno != EINTR {
          throw BatchInputFile.failure("read a batch's body")
        }
      }
    } else {
      try splitter.take(memory[...], sink)
    }
    try splitter.end(sink)
  }
}

/// Lines, each of which is one input (NDJSON). Blank ones are skipped, and the last one needs no end.
struct LineSplitter: BatchSplitter {
  let inputLimitBytes: Int
  private var line: [UInt8] = []
  private var number = 1

  init(inputLimitBytes: Int) { self.inputLimitBytes = inputLimitBytes }

  mutating func take(_ bytes: ArraySlice<UInt8>, _ sink: Sink) throws {
    var rest = bytes
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      try append(rest[..<end])
      try emit(sink)
      rest = rest[(end + 1)...]
      number += 1
    }
    try append(rest)
  }

  mutating func end(_ sink: Sink) throws { try emit(sink) }

  private mutating func append(_ bytes: ArraySlice<UInt8>) throws {
    guard line.count + bytes.count <= inputLimitBytes else {
      throw APIError.tooLarge("line \(number) is longer than an input may be: \(inputLimitBytes) bytes")
    }
    line += bytes
  }

  private mutating func emit(_ sink: Sink) throws {
    defer { line.removeAll(keepingCapacity: line.capacity < 1 << 20) }
    if line.allSatisfy(JSONSpace.has) { return }
    try sink(BatchInput(text: line, line: number, column: 1))
  }
}

/// RFC 8259, section 2.
enum JSONSpace {
  static func has(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 }
}
