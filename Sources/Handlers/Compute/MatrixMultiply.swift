import HandlerAPI

/// The product of two matrices of real numbers.
public struct MatrixMultiply: Handler {
  public struct Input: Decodable, Sendable {
    /// Rows of equal length.
    public var a: [[Double]]
    /// As many rows as `a` has columns.
    public var b: [[Double]]

    public init(a: [[Double]], b: [[Double]]) {
      self.a = a
      self.b = b
    }
  }
  public struct Output: Encodable, Sendable {
    public var product: [[Double]]
  }

  public static let name = "matrix_multiply"
  public static let summary = "Multiplies two matrices, given as arrays of rows."
  public static let constraints: [InputConstraint] = [
    .items("a", 1...largestSide), .items("a[]", 1...largestSide),
    .items("b", 1...largestSide), .items("b[]", 1...largestSide),
    .describe("b", "As many rows as a has columns."),
  ]

  /// A tall matrix times a wide one makes a product far larger than what was sent; so the sides are limited, and with
  /// them the product to 4 million numbers, 32 MB.
  static let largestSide = 2_000

  public init() {}

  public static func validate(_ input: Input) -> [InputError] {
    var errors = shapeErrors(input.a, "/a") + shapeErrors(input.b, "/b")
    if errors.isEmpty, input.a[0].count != input.b.count {
      let detail = "must have as many rows as a has columns (\(input.a[0].count)), but has \(input.b.count)"
      errors.append(InputError(pointer: "/b", detail: detail))
    }
    return errors
  }

  /// At most one error a matrix: a thousand ragged rows are one mistake.
  private static func shapeErrors(_ rows: [[Double]], _ pointer: String) -> [InputError] {
    guard let first = rows.first else { return [InputError(pointer: pointer, detail: "must not be empty")] }
    if rows.count > largestSide {
      return [InputError(pointer: pointer, detail: "must have at most \(largestSide) rows")]
    }
    if first.isEmpty { return [InputError(pointer: "\(pointer)/0", detail: "must not be empty")] }
    if first.count > largestSide {
      return [InputError(pointer: "\(pointer)/0", detail: "must have at most \(largestSide) columns")]
    }
    for (index, row) in rows.enumerated() {
      if row.count != first.count {
        let detail = "must have \(first.count) numbers as the first row has, but has \(row.count)"
        return [InputError(pointer: "\(pointer)/\(index)", detail: detail)]
      }
      if let column = row.firstIndex(where: { !$0.isFinite }) {
        return [InputError(pointer: "\(pointer)/\(index)/\(column)", detail: "must be a finite number")]
      }
    }
    return []
  }

  public func run(_ input: Input, _ context: JobContext) async throws -> Output {
    let product = try BlockedProduct(input.a, input.b).compute(context)
    if let row = product.firstIndex(where: { !$0.allSatisfy(\.isFinite) }) {
      throw HandlerError("row \(row) of the product is beyond the range of a 64-bit floating-point number")
    }
    return Output(product: product)
  }
}

/// Multiplies in blocks, so that what the inner loop reads of `b` stays in the first-level cache.
private struct BlockedProduct {
  /// 64 × 64 numbers of eight bytes are 32 KiB.
  private static let side = 64

  private let a: [Double]
  private let b: [Double]
  private let rows: Int
  private let inner: Int
  private let columns: Int

  /// The shapes fit: `validate` saw to it.
  init(_ a: [[Double]], _ b: [[Double]]) {
    rows = a.count
    inner = b.count
    columns = b[0].count
    self.a = a.flatMap { $0 }
    self.b = b.flatMap { $0 }
    precondition(self.a.count == rows * inner && self.b.count == inner * columns, "the matrices were not validated")
  }

  func compute(_ context: JobContext) throws -> [[Double]] {
    var product = [Double](repeating: 0, count: rows * columns)
    for firstRow in stride(from: 0, to: rows, by: Self.side) {
      let rowBlock = firstRow..<min(firstRow + Self.side, rows)
      for firstInner in stride(from: 0, to: inner, by: Self.side) {
        // At most 64 · 64 · 2,000 multiplications, a few milliseconds, between two looks.
        try context.checkCancellation()
        let innerBlock = firstInner..<min(firstInner + Self.side, inner)
        for firstColumn in stride(from: 0, to: columns, by: Self.side) {
          addBlock(&product, rowBlock, innerBlock, firstColumn..<min(firstColumn + Self.side, columns))
        }
      }
      context.progress(rowBlock.upperBound, of: rows)
    }
    return (0..<rows).map { Array(product[$0 * columns..<($0 + 1) * columns]) }
  }

  private func addBlock(
    _ product: inout [Double], _ rowBlock: Range<Int>, _ innerBlock: Range<Int>, _ columnBlock: Range<Int>
  ) {
    // The buffers' subscripts check bounds in debug builds only; in the innermost loop that lets it be vectorised.
    product.withUnsafeMutableBufferPointer { product in
      b.withUnsafeBufferPointer { b in
        for row in rowBlock {
          for k in innerBlock {
            let factor = a[row * inner + k]
            let target = row * columns
            let source = k * columns
            for column in columnBlock { product[target &+ column] += factor * b[source &+ column] }
          }
        }
      }
    }
  }
}
