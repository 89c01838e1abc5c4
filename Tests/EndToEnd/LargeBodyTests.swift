import Foundation
import Testing

@Suite("Large bodies", .serialized)
struct LargeBodyTests {
  /// What a process may grow by while a body of 128 MiB passes through it.
  private static let growthLimitBytes = 20 << 20

  @Test("the SHA-256 of a body of 128 MiB is right, and no process holds the body in memory")
  func flatMemory() throws {
    let folder = try TestFolder()
    let file = folder.file("body")
    let size = 128 << 20
    try Self.write(size, to: file)
    let expected = try Program.run("/usr/bin/sha256sum", [file]).text.prefix(64)
    try withServer(in: folder) { server in
      // Everybody has done such a job once, so that what is measured is not the first touch of code.
      try concurrently(4) { _ in _ = try server.post("/v1/run/sha256", bytes: [UInt8](repeating: 1, count: 1 << 20)) }
      let before = try Self.peaks(server)
      for framing in [Framing.length, .chunks] {
        let reply = try Self.upload(file, size, framing, to: server)
        #expect(reply.status == 200, "\(reply)")
        let result = try reply.json
        #expect(result["sha256"].string == String(expected) && result["bytes"].int == size)
      }
      let growth = try Self.peaks(server).compactMap { pid, peak in before[pid].map { peak - $0 } }
      #expect(growth.count >= 5)
      #expect(growth.allSatisfy { $0 < Self.growthLimitBytes }, "\(growth)")
      let jobs = try server.get("/v1/jobs?handler=sha256").json["jobs"].items
      #expect(jobs.count == 6)
      try eventually("the jobs' bodies are the only files kept", see: { try Self.spooled(folder) }) { $0.count == 6 }
      for job in jobs {
        #expect(try server.delete("/v1/jobs/\(job["id"].string ?? "")").status == 204)
      }
      try eventually("no file is left of deleted jobs", see: { try Self.spooled(folder) }, until: { $0.isEmpty })
    }
    try folder.remove()
  }

  @Test("a client that leaves in the middle of its body leaves no file")
  func abandoned() throws {
    let folder = try TestFolder()
    try withServer(in: folder) { server in
      for framing in [Framing.length, .chunks] {
        let client = try server.client()
        try client.send(Self.head(framing, 8 << 20))
        let piece = [UInt8](repeating: 7, count: 1 << 20)
        for _ in 0..<4 { try client.send(framing.wrap(piece)) }
        try eventually("the body has gone to a file", see: { try Self.spooled(folder) }) { !$0.isEmpty }
      }
      try eventually("the files are gone", see: { try Self.spooled(folder) }, until: { $0.isEmpty })
      #expect(try server.get("/v1/jobs").json["jobs"].items.isEmpty)
    }
    try folder.remove()
  }

  // MARK: -

  enum Framing: Sendable {
    case length, chunks

    func wrap(_ piece: [UInt8]) -> [UInt8] {
      switch self {
      case .length: piece
      case .chunks: Array("\(String(piece.count, radix: 16))\r\n".utf8) + piece + Array("\r\n".utf8)
      }
    }
  }

  private static func head(_ framing: Framing, _ size: Int) -> String {
    let length = framing == .length ? "Content-Length: \(size)" : "Transfer-Encoding: chunked"
    return "POST /v1/run/sha256 HTTP/1.1\r\nHost: localhost\r\n\(length)\r\n\r\n"
  }

  private static func upload(
    _ file: String, _ size: Int, _ framing: Framing, to server: ServerProcess
  ) throws -> HTTPReply {
    let client = try server.client()
    try client.send(head(framing, size))
    let handle = try #require(FileHandle(forReadingAtPath: file))
    defer { try? handle.close() }
    while let piece = try handle.read(upToCount: 1 << 20), !piece.isEmpty {
      try client.send(framing.wrap([UInt8](piece)))
    }
    if framing == .chunks { try client.send("0\r\n\r\n") }
    return try client.reply()
  }

  /// Pseudo-random bytes (xorshift64, George Marsaglia, "Xorshift RNGs", 2003), which no layer could make smaller.
  private static func write(_ size: Int, to path: String) throws {
    #expect(FileManager.default.createFile(atPath: path, contents: nil))
    let handle = try #require(FileHandle(forWritingAtPath: path))
    var state: UInt64 = 88_172_645_463_325_252
    var words = [UInt64](repeating: 0, count: 1 << 14)
    for index in words.indices {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      words[index] = state
    }
    for piece in 0..<(size >> 17) {
      // Every piece is another one.
      words[0] = UInt64(piece)
      try handle.write(contentsOf: words.withUnsafeBytes { Data($0) })
    }
    try handle.close()
  }

  private static func peaks(_ server: ServerProcess) throws -> [Int32: Int] {
    let pids = try server.wholeTree().pids
    let peaks = pids.compactMap { pid in ProcessTable.peakResidentBytes(pid).map { (pid, $0) } }
    return Dictionary(uniqueKeysWithValues: peaks)
  }

  /// The files beside the store that jobs' bodies are kept in.
  private static func spooled(_ folder: TestFolder) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: folder.path)
      .filter { $0.hasPrefix("jobs.sqlite") }
      .flatMap { (try? FileManager.default.contentsOfDirectory(atPath: folder.file($0))) ?? [] }
  }
}
