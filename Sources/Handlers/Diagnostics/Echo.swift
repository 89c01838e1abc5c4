import FoundationEssentials
import HandlerAPI

/// Gives back what it got, byte for byte: numbers and strings keep the form they were sent in.
public struct Echo: Handler {
  public static let name = "echo"
  public static let summary = "Gives back its arguments, or the request body."

  public init() {}

  /// A body that is not JSON comes back as bytes of no type: a page sent by one must not run as a page in the browser of
  /// another, under this server's origin.
  public func run(_ input: RawBody, _ context: JobContext) async throws -> RawOutput {
    if case .none = input.source { return RawOutput(mediaType: "application/json", bytes: input.args) }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(input.byteCount)
    try input.forEachChunk { bytes += $0 }
    return RawOutput(mediaType: isJSON(bytes) ? "application/json" : "application/octet-stream", bytes: bytes)
  }

  /// Looked at, not believed: `curl -d '{…}'` calls its JSON a form.
  private func isJSON(_ bytes: [UInt8]) -> Bool {
    struct Anything: Decodable { init(from decoder: any Decoder) {} }
    return (try? JSONDecoder().decode(Anything.self, from: Data(bytes))) != nil
  }
}
