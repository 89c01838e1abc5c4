// Two members of one object must not have the same key. Readers disagree on which of them counts (RFC 8259 section 4),
// so a check made by one reader can be passed by with the other.

extension JSONParser {
  /// Up to this, comparing every key with every other is faster than hashing: most keys differ in their length.
  private static let comparedMembersLimit = 12

  /// - Parameter object: tape index of an object that has just been closed.
  func refuseDuplicateKeys(of object: Int) throws(JSONRefusal) {
    let count = Int(tape[object].count)
    if count < 2 { return }
    if count <= Self.comparedMembersLimit && !hasEscapedKey(object) {
      try refuseDuplicateKeysByComparing(of: object)
    } else {
      try refuseDuplicateKeysByHashing(of: object, count: count)
    }
  }

  private func refuseDuplicateKeysByComparing(of object: Int) throws(JSONRefusal) {
    let end = Int(tape[object].next)
    var later = nextKey(after: object + 1)
    while later < end {
      var earlier = object + 1
      while earlier < later {
        if haveEqualKeys(earlier, later) { throw duplicate(later) }
        earlier = nextKey(after: earlier)
      }
      later = nextKey(after: later)
    }
  }

  /// An open hash table of tape indices, at most half full. Swift's hash is seeded anew in each process, so nobody can
  /// prepare keys that all fall into one place.
  private func refuseDuplicateKeysByHashing(of object: Int, count: Int) throws(JSONRefusal) {
    let bits = Int.bitWidth - (2 * count - 1).leadingZeroBitCount
    let mask = (1 << bits) - 1
    var table = [(key: UInt32, hash: UInt32)](repeating: (0, 0), count: 1 << bits)  // 0 is no key: the root is there
    let end = Int(tape[object].next)
    var key = object + 1
    while key < end {
      let fullHash = hashOfKey(key)
      let hash = UInt32(truncatingIfNeeded: fullHash >> 32)
      var slot = fullHash & mask
      while table[slot].key != 0 {
        if table[slot].hash == hash, haveEqualKeys(Int(table[slot].key), key) { throw duplicate(key) }
        slot = (slot + 1) & mask
      }
      table[slot] = (UInt32(key), hash)
      key = nextKey(after: key)
    }
  }

  /// Escaped keys are hashed, even if few: so each is unescaped once, not once for every other.
  private func hasEscapedKey(_ object: Int) -> Bool {
    let end = Int(tape[object].next)
    var key = object + 1
    while key < end {
      if tape[key].hasEscapes { return true }
      key = nextKey(after: key)
    }
    return false
  }

  private func nextKey(after key: Int) -> Int { Int(tape[key + 1].next) }

  private func hashOfKey(_ key: Int) -> Int {
    var hasher = Hasher()
    if tape[key].hasEscapes {
      Unescaping.bytes(of: keyBody(key)).withUnsafeBytes { hasher.combine(bytes: $0) }
    } else {
      hasher.combine(bytes: UnsafeRawBufferPointer(keyBody(key)))
    }
    return hasher.finalize()
  }

  private func haveEqualKeys(_ one: Int, _ other: Int) -> Bool {
    if tape[one].hasEscapes || tape[other].hasEscapes {
      return Unescaping.bytes(of: keyBody(one)) == Unescaping.bytes(of: keyBody(other))
    }
    let (oneBody, otherBody) = (keyBody(one), keyBody(other))
    return oneBody.count == otherBody.count && oneBody.elementsEqual(otherBody)
  }

  /// What stands between the quotes of a key.
  private func keyBody(_ key: Int) -> UnsafeBufferPointer<UInt8> {
    UnsafeBufferPointer(rebasing: text[Int(tape[key].start) + 1..<Int(tape[key].end) - 1])
  }

  private func duplicate(_ key: Int) -> JSONRefusal {
    let name = String(decoding: Unescaping.bytes(of: keyBody(key)).prefix(64), as: UTF8.self)
    let shown = name.unicodeScalars.map { $0.escaped(asASCII: false) }.joined()
    return JSONRefusal(offset: Int(tape[key].start), detail: "the key \"\(shown)\" stands twice in this object")
  }
}
