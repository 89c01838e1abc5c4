import Glibc
import HandlerAPI

/// Takes memory until its job is stopped or its process is killed.
public struct Leak: Handler {
  public struct Nothing: Codable, Sendable {
    public init() {}
  }

  public static let name = "leak"
  public static let summary = "Takes ever more memory until it is stopped."

  private static let stepBytes = 8 * 1024 * 1024
  /// At most 1.6 GB a second: a limit of 1 GiB is met within a second, and a machine without limits stays usable until
  /// the job is cancelled.
  private static let pauseMicroseconds: useconds_t = 5_000

  public init() {}

  /// Every page is written: memory that was never touched is not taken. A failed allocation ends the process, as it does
  /// in any other handler.
  public func run(_ input: Nothing, _ context: JobContext) async throws -> Nothing {
    var blocks: [UnsafeMutableRawPointer] = []
    defer { for block in blocks { block.deallocate() } }
    while true {
      try context.checkCancellation()
      let block = UnsafeMutableRawPointer.allocate(byteCount: Self.stepBytes, alignment: 4096)
      // Not zero: identical zero pages are what the kernel could share.
      let filling = UInt8(truncatingIfNeeded: blocks.count | 1)
      block.initializeMemory(as: UInt8.self, repeating: filling, count: Self.stepBytes)
      blocks.append(block)
      context.progress(blocks.count * Self.stepBytes, of: nil, "bytes taken")
      usleep(Self.pauseMicroseconds)
    }
  }
}
