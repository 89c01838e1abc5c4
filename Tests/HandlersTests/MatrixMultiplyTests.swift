import HandlerAPI
import Testing

@testable import Handlers

@Suite struct MatrixMultiplyTests {
  private func product(_ a: [[Double]], _ b: [[Double]]) async throws -> [[Double]] {
    try await MatrixMultiply().run(.init(a: a, b: b), Recorder().context()).product
  }

  @Test("multiplies")
  func small() async throws {
    #expect(try await product([[1, 2], [3, 4]], [[5, 6], [7, 8]]) == [[19, 22], [43, 50]])
    #expect(try await product([[1, 2, 3]], [[4], [5], [6]]) == [[32]])
    #expect(try await product([[2], [3]], [[5, 7]]) == [[10, 14], [15, 21]])
    #expect(try await product([[-0.5]], [[4]]) == [[-2]])
  }

  @Test("agrees with the definition where the sides are no multiples of a block")
  func acrossBlocks() async throws {
    var random = SplitMix(state: 11)
    func matrix(_ rows: Int, _ columns: Int) -> [[Double]] {
      (0..<rows).map { _ in (0..<columns).map { _ in Double(Int.random(in: -9...9, using: &random)) } }
    }
    let a = matrix(65, 130)
    let b = matrix(130, 67)
    let result = try await product(a, b)
    for i in 0..<65 {
      for j in 0..<67 { #expect(result[i][j] == (0..<130).reduce(0) { $0 + a[i][$1] * b[$1][j] }) }
    }
  }

  @Test(
    "names the place where shapes do not fit",
    arguments: [
      ([], [[1]], ["/a"]), ([[]], [[1]], ["/a/0"]), ([[1, 2], [3]], [[1], [2]], ["/a/1"]),
      ([[1, 2]], [[1]], ["/b"]), ([[1]], [[1], [2, 3]], ["/b/1"]), ([], [], ["/a", "/b"]),
      ([[1, .infinity]], [[1], [2]], ["/a/0/1"]),
    ] as [([[Double]], [[Double]], [String])])
  func shapes(a: [[Double]], b: [[Double]], pointers: [String]) {
    #expect(MatrixMultiply.validate(.init(a: a, b: b)).map(\.pointer) == pointers)
  }

  @Test("refuses sides beyond the limit, whose product could be far larger than the input")
  func tooLarge() {
    let tall = [[Double]](repeating: [1], count: MatrixMultiply.largestSide + 1)
    #expect(MatrixMultiply.validate(.init(a: tall, b: [[1]])).map(\.pointer) == ["/a"])
    #expect(MatrixMultiply.validate(.init(a: [[1]], b: [tall.map { $0[0] }])).map(\.pointer) == ["/b/0"])
  }

  @Test("matrices that fit have no errors")
  func fits() { #expect(MatrixMultiply.validate(.init(a: [[1, 2]], b: [[1], [2]])).isEmpty) }

  @Test("a product beyond the range of numbers is an error, not infinity")
  func overflow() async {
    await #expect(throws: HandlerError.self) { try await product([[1e308, 1e308]], [[10], [10]]) }
  }

  @Test("stops at the first look after it was cancelled")
  func cancellation() async {
    await #expect(throws: CancellationError.self) {
      try await MatrixMultiply().run(.init(a: [[1]], b: [[1]]), Recorder(cancelAtLook: 1).context())
    }
  }
}
