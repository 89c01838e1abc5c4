import JobModel
import StrictJSON

/// Members of an object by one call; what is absent is `null`.
extension JSONWriter {
  mutating func field(_ name: StaticString, _ value: String?) {
    key(name)
    if let value { string(value) } else { null() }
  }

  mutating func field(_ name: StaticString, _ value: Int?) {
    key(name)
    if let value { int(value) } else { null() }
  }

  mutating func field(_ name: StaticString, _ value: Int32?) { field(name, value.map(Int.init)) }

  mutating func field(_ name: StaticString, _ value: Bool) {
    key(name)
    bool(value)
  }

  /// As RFC 3339 has it.
  mutating func field(_ name: StaticString, _ value: Timestamp?) {
    key(name)
    if let value { string(RFC3339.text(value)) } else { null() }
  }

  /// Milliseconds, with the microseconds behind the point.
  mutating func field(_ name: StaticString, milliseconds value: Duration?) {
    key(name)
    if let value { double(Double(value.microsecondsClamped) / 1000) } else { null() }
  }

  /// JSON text, as it is.
  mutating func field(_ name: StaticString, raw text: [UInt8]?) {
    key(name)
    if let text { raw(text) } else { null() }
  }

  /// An object whose members `body` writes.
  mutating func object(_ name: StaticString, _ body: (inout JSONWriter) -> Void) {
    key(name)
    beginObject()
    body(&self)
    endObject()
  }
}
