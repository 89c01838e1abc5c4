import CLinux
import Glibc

/// Where a connection comes from.
public struct ClientAddress: Sendable, Hashable, CustomStringConvertible {
  /// Network byte order; 4 or 16 bytes are meant. Zero for a Unix socket.
  private let high: UInt64
  private let low: UInt64
  private let family: Int32

  init(_ storage: borrowing sockaddr_storage) {
    let family = Int32(storage.ss_family)
    var halves: (UInt64, UInt64) = (0, 0)
    withUnsafeBytes(of: storage) { bytes in
      // sockaddr_in has its address at byte 4, sockaddr_in6 at byte 8 (ip(7), ipv6(7)).
      if family == AF_INET { halves.0 = UInt64(bytes.loadUnaligned(fromByteOffset: 4, as: UInt32.self)) }
      if family == AF_INET6 {
        halves.0 = bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self)
        halves.1 = bytes.loadUnaligned(fromByteOffset: 16, as: UInt64.self)
      }
    }
    self.family = family
    high = halves.0
    low = halves.1
  }

  /// It has no address: whoever may open the socket's file.
  public var isUnix: Bool { family != AF_INET && family != AF_INET6 }

  /// What tells clients apart: an IPv4 address, in whatever form it came, or the first half of an IPv6 address.
  public var network: UInt64 {
    guard family == AF_INET6 else { return high }
    // ::ffff:0:0/96, in memory's order (RFC 4291, section 2.5.5.2).
    let mapped = high == 0 && UInt64(bigEndian: low) >> 32 == 0xFFFF
    return mapped ? UInt64(UInt32(truncatingIfNeeded: low >> 32)) : high
  }

  /// The IP address as text (an IPv4 client of an IPv6 socket in IPv4's form), or `unix`.
  public var description: String {
    if isUnix { return "unix" }
    var bytes = (high, low)
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    guard inet_ntop(family, &bytes, &text, UInt32(text.count)) != nil else { return "unknown" }
    let end = text.firstIndex(of: 0) ?? text.count
    let address = String(decoding: text[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return address.hasPrefix("::ffff:") && address.contains(".") ? String(address.dropFirst(7)) : address
  }
}
