import Glibc

/// An IPv4 or IPv6 address and port in the kernel's own form, by value.
struct SocketAddress: Equatable {
  private var storage = sockaddr_storage()
  private var length = socklen_t(MemoryLayout<sockaddr_storage>.size)

  init() {}

  init(copying pointer: UnsafePointer<sockaddr>, length: socklen_t) {
    self.length = min(length, socklen_t(MemoryLayout<sockaddr_storage>.size))
    withUnsafeMutableBytes(of: &storage) {
      $0.copyMemory(from: UnsafeRawBufferPointer(start: pointer, count: Int(self.length)))
    }
  }

  var family: Int32 { Int32(storage.ss_family) }

  /// At the same place in both families: right after the family, big-endian (ip(7), ipv6(7)).
  var port: UInt16 {
    get {
      withUnsafeBytes(of: storage) { UInt16(bigEndian: $0.loadUnaligned(fromByteOffset: 2, as: UInt16.self)) }
    }
    set {
      withUnsafeMutableBytes(of: &storage) {
        $0.storeBytes(of: newValue.bigEndian, toByteOffset: 2, as: UInt16.self)
      }
    }
  }

  /// `127.0.0.1`, `::1`, `fe80::1%eth0`.
  var numericHost: String {
    withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { text in
      let result = withPointer { getnameinfo($0, $1, text.baseAddress, socklen_t(text.count), nil, 0, NI_NUMERICHOST) }
      guard result == 0, let start = text.baseAddress else { return "?" }
      return String(cString: start)
    }
  }

  func withPointer<T, E: Error>(_ body: (UnsafePointer<sockaddr>, socklen_t) throws(E) -> T) throws(E) -> T {
    var copy = storage
    let length = length
    return try withUnsafeMutablePointer(to: &copy) { pointer throws(E) in
      try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer throws(E) in
        try body(UnsafePointer(pointer), length)
      }
    }
  }

  /// Lets a system call write the address.
  mutating func fill(_ call: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32) -> Int32 {
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = withUnsafeMutablePointer(to: &storage) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { call($0, &size) }
    }
    length = size
    return result
  }

  static func == (a: SocketAddress, b: SocketAddress) -> Bool {
    guard a.length == b.length else { return false }
    return withUnsafeBytes(of: a.storage) { a1 in
      withUnsafeBytes(of: b.storage) { b1 in
        a1.prefix(Int(a.length)).elementsEqual(b1.prefix(Int(b.length)))
      }
    }
  }
}
