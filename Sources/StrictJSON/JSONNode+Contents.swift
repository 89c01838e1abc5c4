// What stands inside objects and arrays.

extension JSONNode {
  /// The value of an object's member. Looks at one member after the other.
  public subscript(key: String) -> JSONNode? {
    guard kind == .object else { return nil }
    let end = Int(entry.next)
    var at = index + 1
    while at < end {
      let value = JSONNode(storage: storage, index: at + 1)
      if JSONNode(storage: storage, index: at).isString(key) { return value }
      at = Int(value.entry.next)
    }
    return nil
  }

  /// The members of an object, as sent.
  public var members: JSONMembers { JSONMembers(container: self) }

  /// The elements of an array.
  public var elements: JSONElements { JSONElements(container: self) }
}

/// Keys (unescaped) and values, in the order of the text.
public struct JSONMembers: Sequence, IteratorProtocol, Sendable {
  private let storage: JSONStorage
  private var at: Int
  private let end: Int

  init(container: JSONNode) {
    storage = container.storage
    at = container.index + 1
    end = container.kind == .object ? Int(container.entry.next) : at
  }

  public mutating func next() -> (key: String, value: JSONNode)? {
    guard at < end, let key = JSONNode(storage: storage, index: at).stringValue else { return nil }
    let value = JSONNode(storage: storage, index: at + 1)
    at = Int(value.entry.next)
    return (key, value)
  }
}

/// Values in the order of the text.
public struct JSONElements: Sequence, IteratorProtocol, Sendable {
  private let storage: JSONStorage
  private var at: Int
  private let end: Int

  init(container: JSONNode) {
    storage = container.storage
    at = container.index + 1
    end = container.kind == .array ? Int(container.entry.next) : at
  }

  public mutating func next() -> JSONNode? {
    guard at < end else { return nil }
    let element = JSONNode(storage: storage, index: at)
    at = Int(element.entry.next)
    return element
  }
}
