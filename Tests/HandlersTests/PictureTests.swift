import CZlib
import HandlerAPI
import Testing

@testable import Handlers

/// Reads what PNGWriter can write: 8-bit RGB, filter None or Sub. Checks the signature, all CRCs and the order of chunks.
private struct Picture {
  let width: Int
  let height: Int
  private var pixels: [UInt8] = []

  init(_ png: [UInt8]) throws {
    try #require(png.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]))
    var chunks: [(type: String, contents: ArraySlice<UInt8>)] = []
    var offset = 8
    func number(_ at: Int) -> Int { png[at..<at + 4].reduce(0) { $0 << 8 | Int($1) } }
    while offset < png.count {
      let length = number(offset)
      let checked = png[offset + 4..<offset + 8 + length]
      let crc = checked.withUnsafeBufferPointer { crc32(0, $0.baseAddress, UInt32($0.count)) }
      try #require(Int(crc) == number(offset + 8 + length), "a chunk's CRC")
      chunks.append((String(decoding: checked.prefix(4), as: UTF8.self), checked.dropFirst(4)))
      offset += 12 + length
    }
    try #require(offset == png.count)
    try #require(chunks.first?.type == "IHDR" && chunks.last?.type == "IEND")
    try #require(chunks.dropFirst().dropLast().allSatisfy { $0.type == "IDAT" && !$0.contents.isEmpty })
    width = number(16)
    height = number(20)
    try #require(Array(png[24..<29]) == [8, 2, 0, 0, 0])
    let data = chunks.filter { $0.type == "IDAT" }.flatMap { Array($0.contents) }
    let rows = try Self.inflated(data, count: height * (1 + 3 * width))
    for y in 0..<height {
      let start = y * (1 + 3 * width)
      let filter = rows[start]
      try #require(filter <= 1)
      for index in 0..<3 * width {
        let left = filter == 1 && index >= 3 ? pixels[y * 3 * width + index - 3] : 0
        pixels.append(rows[start + 1 + index] &+ left)
      }
    }
  }

  func pixel(_ x: Int, _ y: Int) -> [UInt8] { Array(pixels[3 * (y * width + x)..<3 * (y * width + x) + 3]) }

  private static func inflated(_ data: [UInt8], count: Int) throws -> [UInt8] {
    // One byte more: too much data must not pass.
    var bytes = [UInt8](repeating: 0, count: count + 1)
    var length = UInt(bytes.count)
    try #require(uncompress(&bytes, &length, data, UInt(data.count)) == Z_OK)
    try #require(length == UInt(count))
    return Array(bytes.dropLast())
  }
}

@Suite struct PictureTests {
  private func draw(_ input: Mandelbrot.Input, _ recorder: Recorder = Recorder()) async throws -> Picture {
    let output = try await Mandelbrot().run(input, recorder.context())
    #expect(output.mediaType == "image/png")
    return try Picture(output.bytes)
  }

  @Test("draws 800 by 600 pixels if nothing else is asked, black inside the set and not outside")
  func defaults() async throws {
    let recorder = Recorder()
    let picture = try await draw(.init(), recorder)
    #expect(picture.width == 800 && picture.height == 600)
    // The middle is −0.5 + 0i, inside the cardioid; the corners are outside.
    #expect(picture.pixel(400, 300) == [0, 0, 0])
    #expect(picture.pixel(0, 0) != [0, 0, 0])
    #expect(picture.pixel(799, 599) != [0, 0, 0])
    #expect(recorder.reports.last?.completed == 600)
  }

  @Test("is symmetric about the real axis")
  func symmetry() async throws {
    let picture = try await draw(.init(width: 61, height: 40, maxIterations: 100))
    for y in 0..<20 {
      for x in 0..<61 { #expect(picture.pixel(x, y) == picture.pixel(x, 39 - y)) }
    }
  }

  @Test(
    "one pixel is a picture", arguments: [(-1.0, 0.0, true), (0.25, 0.5, true), (0.5, 0.5, false), (-2.5, 0, false)])
  func onePixel(x: Double, y: Double, isInside: Bool) async throws {
    let picture = try await draw(.init(width: 1, height: 1, centerX: x, centerY: y, scale: 1e-9, maxIterations: 300))
    #expect((picture.pixel(0, 0) == [0, 0, 0]) == isInside)
  }

  @Test("a picture of several image chunks keeps every pixel")
  func manyChunks() throws {
    var random = SplitMix(state: 3)
    let rows = (0..<200).map { _ in (0..<3 * 300).map { _ in UInt8.random(in: 0...255, using: &random) } }
    let writer = try PNGWriter(width: 300, height: 200)
    for row in rows { try writer.append(row) }
    let picture = try Picture(try writer.finish())
    for y in 0..<200 { #expect((0..<300).flatMap { picture.pixel($0, y) } == rows[y]) }
  }

  @Test("stops within a row of many iterations")
  func cancellation() async {
    let recorder = Recorder(cancelAtLook: 1)
    await #expect(throws: CancellationError.self) {
      // A miniature copy of the set: neither cardioid nor disc, so every pixel takes all its steps.
      try await Mandelbrot().run(
        .init(width: 4096, height: 4096, centerX: -1.7548, centerY: 0, scale: 0.001, maxIterations: 100_000),
        recorder.context())
    }
    #expect(recorder.reports.isEmpty)
  }
}
