import EventLoop
import Glibc
import Multiprocessing

/// 64 MB to a worker, and 64 MB back, beside copying them as often in memory.
enum LargePayload {
  static let byteCount = 64 << 20

  static func measure(_ options: Options, _ report: inout Report) async throws {
    let bare = try await BarePool(size: 1)
    let argument = [UInt8](repeating: 3, count: byteCount)
    let size = Array("\(byteCount)".utf8)
    let pages = byteCount / 4096
    let target = UnsafeMutableRawPointer.allocate(byteCount: byteCount, alignment: 4096)
    defer { target.deallocate() }
    memset(target, 1, byteCount)
    for _ in 0..<options.scaled(20) {
      let (floor, _) = await seconds { argument.withUnsafeBytes { copyTwice($0, to: target) } }
      let (time, _) = try await seconds {
        let sum = try await bare.call(PoolCall("swallow", argument: try Payload(sending: argument)))?.readAll()
        check(sum.map { String(decoding: $0, as: UTF8.self) } == "\(3 * pages)", "the argument came otherwise")
        let result = try await bare.call(PoolCall("produce", header: size))
        let seen = try result?.withBytes { bytes in
          stride(from: 0, to: bytes.count, by: 4096).reduce(0) { $0 + Int(bytes[$1]) }
        }
        check(seen == 7 * pages, "the result came otherwise")
      }
      report.add("64 MB argument and 64 MB result, ms", ours: time * 1000, floor: floor * 1000)
    }
    await bare.end()
  }

  private static func copyTwice(_ bytes: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer) {
    for _ in 0..<2 { copy(bytes, to: target) }
  }

  /// Not inlined: of two copies to one place, the optimizer would leave out the first.
  @inline(never)
  private static func copy(_ bytes: UnsafeRawBufferPointer, to target: UnsafeMutableRawPointer) {
    memcpy(target, bytes.baseAddress!, bytes.count)
  }
}
