import CLinux
import Glibc

/// An input taken as it came: the request body of any media type and size. Use it as a handler's `Input`.
///
/// A job submitted with JSON `args` instead of a body has ``args`` and no bytes.
public struct RawBody: Sendable {
  public enum Source: Sendable {
    case bytes([UInt8])
    /// A descriptor open for reading from its start; the body owns it and closes it when the last copy is gone.
    case file(BodyFile)
    /// The job was submitted with `args` only.
    case none
  }
  public let mediaType: String
  public let byteCount: Int
  public let source: Source
  /// JSON text of the arguments sent beside the body; `{}` where there were none.
  public let args: [UInt8]

  public init(mediaType: String, byteCount: Int, source: Source, args: [UInt8]) {
    self.mediaType = mediaType
    self.byteCount = byteCount
    self.source = source
    self.args = args
  }

  /// Calls `body` with the bytes, piece by piece from the start, in pieces of at most 256 KiB: memory stays flat whatever
  /// the size. Throws what `body` throws, or ``HandlerError`` if reading fails.
  public func forEachChunk(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    switch source {
    case .none: return
    case .bytes(let bytes): try bytes.withUnsafeBytes(body)
    case .file(let file): try file.forEachChunk(body)
    }
  }
}

/// An output returned as it is, with its media type (`image/png`, …). Use it as a handler's `Output`.
public struct RawOutput: Sendable {
  public let mediaType: String
  public let bytes: [UInt8]
  public init(mediaType: String, bytes: [UInt8]) {
    self.mediaType = mediaType
    self.bytes = bytes
  }
}

/// Owns a descriptor of an input file.
public final class BodyFile: Sendable {
  public let descriptor: Int32
  public init(owning descriptor: Int32) { self.descriptor = descriptor }
  deinit { close(descriptor) }

  static let chunkBytes = 256 * 1024

  /// Reads with pread(2), so that several readers do not disturb one another's place.
  func forEachChunk(_ body: (UnsafeRawBufferPointer) throws -> Void) throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunkBytes, alignment: 16)
    defer { buffer.deallocate() }
    var offset: off_t = 0
    while true {
      let count = pread(descriptor, buffer.baseAddress, buffer.count, offset)
      if count == 0 { return }
      if count < 0 {
        if errno == EINTR { continue }
        throw HandlerError("reading the input failed: \(String(cString: strerror(errno)))")
      }
      try body(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      offset += off_t(count)
    }
  }
}

extension RawBody: Decodable {
  /// A raw body is never part of JSON; a type that nests one cannot be decoded.
  public init(from decoder: any Decoder) throws {
    throw DecodingError.dataCorrupted(
      .init(codingPath: decoder.codingPath, debugDescription: "RawBody must be the whole Input of a handler"))
  }
}

extension RawOutput: Encodable {
  /// A raw output is never part of JSON; a type that nests one cannot be encoded.
  public func encode(to encoder: any Encoder) throws {
    throw EncodingError.invalidValue(
      self, .init(codingPath: encoder.codingPath, debugDescription: "RawOutput must be the whole Output of a handler"))
  }
}
