/// A condition on one field of an input, stated beside the type. Fields of nested objects are named by dots (`box.width`),
/// the items of an array by `[]` (`a[][]`).
public struct InputConstraint: Sendable, Equatable {
  public enum Rule: Sendable, Equatable {
    case integerRange(ClosedRange<Int>)
    case numberRange(ClosedRange<Double>)
    case stringLength(ClosedRange<Int>)
    case oneOf([String])
    case itemCount(ClosedRange<Int>)
    case description(String)
  }
  public let field: String
  public let rule: Rule

  public static func integer(_ field: String, _ range: ClosedRange<Int>) -> Self {
    .init(field: field, rule: .integerRange(range))
  }
  public static func number(_ field: String, _ range: ClosedRange<Double>) -> Self {
    .init(field: field, rule: .numberRange(range))
  }
  public static func string(_ field: String, minLength: Int = 0, maxLength: Int = .max) -> Self {
    .init(field: field, rule: .stringLength(minLength...maxLength))
  }
  public static func oneOf(_ field: String, _ values: [String]) -> Self { .init(field: field, rule: .oneOf(values)) }
  public static func items(_ field: String, _ count: ClosedRange<Int>) -> Self {
    .init(field: field, rule: .itemCount(count))
  }
  /// Text for people, shown in the schema.
  public static func describe(_ field: String, _ text: String) -> Self { .init(field: field, rule: .description(text)) }
}
