// What sha256 and word_count share: they work on the request body, or on {"text": "…"} where no body was sent.

import FoundationEssentials
import HandlerAPI

/// The arguments of a handler over bytes, for a job submitted without a body.
struct TextArgs: Decodable, Sendable {
  var text: String
}

enum BodyOrText {
  /// Calls `consume` with the bytes in pieces, in constant memory. Reports progress by bytes and looks for cancellation
  /// after each 256 KiB.
  static func forEachPiece(
    _ input: RawBody, _ context: JobContext, _ consume: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    if case .none = input.source {
      var text = try decode(input)
      return try text.withUTF8 { bytes in
        try consumeInSteps(UnsafeRawBufferPointer(bytes), done: 0, of: bytes.count, context, consume)
      }
    }
    var done = 0
    try input.forEachChunk { chunk in
      try consumeInSteps(chunk, done: done, of: input.byteCount, context, consume)
      done += chunk.count
    }
  }

  private static let stepBytes = 256 * 1024

  /// A body that is held in memory comes as one chunk of any size, hence the steps.
  private static func consumeInSteps(
    _ bytes: UnsafeRawBufferPointer, done: Int, of total: Int, _ context: JobContext,
    _ consume: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    for start in stride(from: 0, to: bytes.count, by: stepBytes) {
      try context.checkCancellation()
      let end = min(start + stepBytes, bytes.count)
      try consume(UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
      context.progress(done + end, of: total)
    }
  }

  private static func decode(_ input: RawBody) throws -> String {
    do {
      return try JSONDecoder().decode(TextArgs.self, from: Data(input.args)).text
    } catch {
      throw HandlerError("neither a body nor a \"text\" argument was sent")
    }
  }
}
