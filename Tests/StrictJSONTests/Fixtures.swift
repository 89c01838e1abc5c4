import StrictJSON

func parse(_ text: String, maxDepth: Int = 64) throws(JSONSyntaxError) -> JSONNode {
  try JSONDocument.parse(Array(text.utf8), maxDepth: maxDepth).root
}

/// What is wrong with a text; `nil` if it is accepted.
func refusal(of bytes: [UInt8], maxDepth: Int = 64) -> JSONSyntaxError? {
  do throws(JSONSyntaxError) {
    _ = try JSONDocument.parse(bytes, maxDepth: maxDepth)
    return nil
  } catch {
    return error
  }
}

func refusal(of text: String, maxDepth: Int = 64) -> JSONSyntaxError? {
  refusal(of: Array(text.utf8), maxDepth: maxDepth)
}

/// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every run, so a failure can be repeated.
struct SeededGenerator: RandomNumberGenerator {
  private var state: UInt64
  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
    return mixed ^ (mixed >> 31)
  }
}
