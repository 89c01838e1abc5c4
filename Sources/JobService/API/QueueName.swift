/// What queues may be called: names that stand in a path as they are.
enum QueueName {
  /// Of jobs that name none.
  static let standard = "default"
  static let pattern = "[A-Za-z0-9_-][A-Za-z0-9_.-]{0,63}"
  static let expectation = "1 to 64 letters, digits, '_', '-' and, but for the first, '.'"

  static func isOne(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count) && text.utf8.allSatisfy(isAllowed) && text.utf8.first != UInt8(ascii: ".")
  }

  private static func isAllowed(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
      true
    default: false
    }
  }
}
