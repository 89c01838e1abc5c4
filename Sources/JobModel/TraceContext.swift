/// Where a request stands in a trace that goes through many systems: the W3C's header fields `traceparent` and
/// `tracestate` (Trace Context Level 1, https://www.w3.org/TR/trace-context/).
public struct TraceContext: Sendable, Equatable {
  /// In the form of version 00, which is the newest there is: version, trace-id, parent-id, flags.
  ///
  ///     00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
  public let parent: String
  /// What the systems before this one say beside it: passed on as it came.
  public let state: String?

  /// The most that systems are asked to pass on (section 3.3.1.5), in bytes and in members of the list. What is longer is
  /// left out as a whole.
  public static let stateLimitBytes = 512
  static let stateLimitMembers = 32

  /// - Parameters:
  ///   - parent: the field `traceparent`. What is malformed makes no context, as section 4.3 says; of a later version the
  ///     part is read that version 00 has too (section 3.2.4).
  ///   - state: the fields `tracestate`, as one list.
  public init?(parent: String, state: String? = nil) {
    let bytes = Array(parent.utf8)
    guard bytes.count >= Self.parentBytes else { return nil }
    for (place, byte) in bytes.prefix(Self.parentBytes).enumerated() {
      let isDash = place == 2 || place == 35 || place == 52
      guard isDash ? byte == UInt8(ascii: "-") : Self.isHexadecimal(byte) else { return nil }
    }
    let isFirstVersion = bytes[..<2].elementsEqual("00".utf8)
    if bytes.count > Self.parentBytes, isFirstVersion || bytes[Self.parentBytes] != UInt8(ascii: "-") { return nil }
    // `ff` is no version; all zeros name nothing.
    guard !bytes[..<2].elementsEqual("ff".utf8), Self.isSomething(bytes[Self.traceID]),
      Self.isSomething(bytes[Self.parentID])
    else { return nil }
    let kept = String(decoding: bytes[2..<Self.parentBytes], as: UTF8.self)
    self.parent = "00" + (isFirstVersion ? kept : Self.masked(kept, keeping: Self.sampled))
    self.state = state.flatMap(Self.checked)
  }

  /// The fields for a request that is made on this one's behalf: in the same trace, with the same flags, and with a
  /// parent-id of its own (section 3.4, "Mutating the traceparent Field"). Each call makes another.
  public func fields() -> [String: String] {
    let parentID = String(UInt64.random(in: 1 ... .max), radix: 16)
    let zeros = String(repeating: "0", count: Self.parentID.count - parentID.count)
    let before = parent.prefix(Self.parentID.lowerBound)
    let after = Self.masked(String(parent.dropFirst(Self.parentID.upperBound)), keeping: Self.sampled | Self.random)
    var fields = ["traceparent": "\(before)\(zeros)\(parentID)\(after)"]
    fields["tracestate"] = state
    return fields
  }

  // MARK: - As one text

  /// Both fields in one line, for those who keep it: ``parent``, and behind a blank ``state`` where there is one.
  public var text: String { state.map { "\(parent) \($0)" } ?? parent }

  public init?(text: String) {
    let parts = text.split(separator: " ", maxSplits: 1)
    guard let parent = parts.first else { return nil }
    self.init(parent: String(parent), state: parts.count > 1 ? String(parts[1]) : nil)
  }

  // MARK: - What it is made of

  private static let parentBytes = 55
  private static let traceID = 3..<35
  private static let parentID = 36..<52
  /// The flags that have a meaning: the second one since Level 2. Others are zero in what is sent (section 3.2.2.5.2).
  private static let sampled: UInt8 = 1
  private static let random: UInt8 = 2

  /// A text that ends in flags, with no others than these.
  private static func masked(_ text: String, keeping flags: UInt8) -> String {
    // The last digit has all flags that are known.
    let last = (text.last?.hexDigitValue ?? 0) & Int(flags)
    return text.dropLast(2) + "0" + String(last, radix: 16)
  }

  private static func checked(state: String) -> String? {
    let members = state.utf8.split(separator: UInt8(ascii: ","))
    let isPlain = state.utf8.allSatisfy { (0x20...0x7e).contains($0) || $0 == 0x09 }
    let isShort = state.utf8.count <= stateLimitBytes && members.count <= stateLimitMembers
    return isPlain && isShort && members.contains { $0.contains(UInt8(ascii: "=")) } ? state : nil
  }

  private static func isSomething(_ digits: ArraySlice<UInt8>) -> Bool { digits.contains { $0 != UInt8(ascii: "0") } }

  private static func isHexadecimal(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }
}
