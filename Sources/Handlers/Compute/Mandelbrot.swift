import Glibc
import HandlerAPI

/// A picture of the Mandelbrot set, `image/png`.
public struct Mandelbrot: Handler {
  /// Every field may be left out.
  public struct Input: Decodable, Sendable {
    /// Pixels, 1…4096; 800 if left out.
    public var width: Int?
    /// Pixels, 1…4096; 600 if left out.
    public var height: Int?
    /// The number in the picture's middle, each part −4…4; −0.5 + 0i if left out.
    public var centerX: Double?
    public var centerY: Double?
    /// How much of the real axis the picture's width spans, 10⁻¹³…100; 3 if left out. Below 10⁻¹³ neighbouring pixels
    /// would fall on the same 64-bit number.
    public var scale: Double?
    /// Steps after which a point that stayed near counts as inside, 1…100,000; 500 if left out.
    public var maxIterations: Int?

    public init(
      width: Int? = nil, height: Int? = nil, centerX: Double? = nil, centerY: Double? = nil, scale: Double? = nil,
      maxIterations: Int? = nil
    ) {
      self.width = width
      self.height = height
      self.centerX = centerX
      self.centerY = centerY
      self.scale = scale
      self.maxIterations = maxIterations
    }

    private enum CodingKeys: String, CodingKey {
      case width, height, scale
      case centerX = "center_x"
      case centerY = "center_y"
      case maxIterations = "max_iterations"
    }
  }

  public static let name = "mandelbrot"
  public static let summary = "Draws the Mandelbrot set as a PNG picture."
  public static let constraints: [InputConstraint] = [
    .integer("width", 1...4096), .integer("height", 1...4096),
    .number("center_x", -4...4), .number("center_y", -4...4),
    .number("scale", 1e-13...100), .integer("max_iterations", 1...100_000),
  ]

  public init() {}

  public func run(_ input: Input, _ context: JobContext) async throws -> RawOutput {
    let view = MandelbrotView(
      width: input.width ?? 800, height: input.height ?? 600, centerX: input.centerX ?? -0.5,
      centerY: input.centerY ?? 0, scale: input.scale ?? 3, maxIterations: input.maxIterations ?? 500)
    return RawOutput(mediaType: "image/png", bytes: try view.draw(context))
  }
}

private struct MandelbrotView {
  let width: Int
  let height: Int
  let centerX: Double
  let centerY: Double
  let scale: Double
  let maxIterations: Int

  /// A look for cancellation about once a millisecond, however few pixels that is.
  private static let iterationsBetweenLooks = 500_000

  func draw(_ context: JobContext) throws -> [UInt8] {
    let png = try PNGWriter(width: width, height: height)
    let step = scale / Double(width)
    var sinceLook = 0
    var row = [UInt8](repeating: 0, count: 3 * width)
    for y in 0..<height {
      // The imaginary axis points up, rows go down.
      let imaginary = centerY + (Double(height) / 2 - Double(y) - 0.5) * step
      for x in 0..<width {
        let real = centerX + (Double(x) + 0.5 - Double(width) / 2) * step
        let escape = Self.escape(real, imaginary, limit: maxIterations)
        let colour = escape.smoothCount.map(Palette.colour) ?? (0, 0, 0)
        (row[3 * x], row[3 * x + 1], row[3 * x + 2]) = colour
        sinceLook += escape.iterations + 1
        if sinceLook > Self.iterationsBetweenLooks {
          sinceLook = 0
          try context.checkCancellation()
        }
      }
      try png.append(row)
      context.progress(y + 1, of: height)
    }
    return try png.finish()
  }

  /// Iterates z ← z² + c. `smoothCount` is the real-valued number of steps after which |z| passes the bailout, which makes
  /// colours without bands; `nil` inside the set.
  private static func escape(
    _ real: Double, _ imaginary: Double, limit: Int
  ) -> (smoothCount: Double?, iterations: Int) {
    // The main cardioid and the disc of period 2, where most of the inside is and every point would take all steps.
    let shifted = real - 0.25
    let squared = shifted * shifted + imaginary * imaginary
    if squared * (squared + shifted) <= 0.25 * imaginary * imaginary { return (nil, 0) }
    if (real + 1) * (real + 1) + imaginary * imaginary <= 0.0625 { return (nil, 0) }

    // 2⁸ as bailout instead of 2: the smooth count's error falls with its size.
    let bailoutSquared = 65_536.0
    var x = 0.0
    var y = 0.0
    var xx = 0.0
    var yy = 0.0
    var iterations = 0
    while iterations < limit && xx + yy <= bailoutSquared {
      y = 2 * x * y + imaginary
      x = xx - yy + real
      xx = x * x
      yy = y * y
      iterations += 1
    }
    if xx + yy <= bailoutSquared { return (nil, iterations) }
    // log2(log2(|z|²)) is 4 at the bailout and one more for each further step: the count is continuous across steps.
    return (max(0, Double(iterations) + 4 - log2(log2(xx + yy))), iterations)
  }
}

private enum Palette {
  /// Three cosines out of step, over the logarithm of the count: as many colours near the set as far from it.
  static func colour(_ smoothCount: Double) -> (UInt8, UInt8, UInt8) {
    let turn = log2(smoothCount + 1) * 0.9
    func level(_ phase: Double) -> UInt8 { UInt8(255 * (0.5 - 0.5 * cos(turn + phase))) }
    return (level(0), level(0.6), level(1.2))
  }
}
