// Which addresses are on the public internet.

import CLinux
import Glibc

/// An IPv4 or IPv6 address.
public struct IPAddress: Sendable, Equatable {
  /// Four or sixteen, most significant first.
  public let bytes: [UInt8]

  /// Reads `192.0.2.1` or `2001:db8::1`, as inet_pton(3) does.
  public init?(_ text: String) {
    var v4 = in_addr()
    var v6 = in6_addr()
    if inet_pton(AF_INET, text, &v4) == 1 {
      bytes = withUnsafeBytes(of: v4) { Array($0) }
    } else if inet_pton(AF_INET6, text, &v6) == 1 {
      bytes = withUnsafeBytes(of: v6) { Array($0) }
    } else {
      return nil
    }
  }

  /// From a `sockaddr`; `nil` for another family, or where it is cut short.
  public init?(_ address: UnsafeRawBufferPointer) {
    guard address.count >= MemoryLayout<sa_family_t>.size else { return nil }
    switch Int32(address.loadUnaligned(as: sa_family_t.self)) {
    case AF_INET:
      guard address.count >= MemoryLayout<sockaddr_in>.size else { return nil }
      bytes = withUnsafeBytes(of: address.loadUnaligned(as: sockaddr_in.self).sin_addr) { Array($0) }
    case AF_INET6:
      guard address.count >= MemoryLayout<sockaddr_in6>.size else { return nil }
      bytes = withUnsafeBytes(of: address.loadUnaligned(as: sockaddr_in6.self).sin6_addr) { Array($0) }
    default: return nil
    }
  }

  /// Whether it can only lead to the public internet. IPv6 addresses are public in 2000::/3 only, the one block that is
  /// given out (IANA, Internet Protocol Version 6 Address Space); that leaves out loopback, link-local, unique local,
  /// multicast, IPv4-mapped and NAT64 (64:ff9b::/96), which would carry a private IPv4 address past the check.
  public var isPublic: Bool {
    if bytes.count == 4 { return !Self.specialV4.contains { $0.contains(bytes) } }
    return Self.globalUnicastV6.contains(bytes) && !Self.specialV6.contains { $0.contains(bytes) }
  }

  private struct Block {
    let prefix: [UInt8]
    let bitCount: Int

    init(_ prefix: [UInt8], _ bitCount: Int) {
      self.prefix = prefix
      self.bitCount = bitCount
    }

    func contains(_ bytes: [UInt8]) -> Bool {
      for bit in 0..<bitCount {
        let own = bit / 8 < prefix.count ? prefix[bit / 8] : 0
        if (own ^ bytes[bit / 8]) & (0x80 >> UInt8(bit % 8)) != 0 { return false }
      }
      return true
    }
  }

  /// IANA IPv4 Special-Purpose Address Registry (RFC 6890 and its updates), multicast (RFC 5771) and class E.
  private static let specialV4 = [
    Block([0], 8),  // this network
    Block([10], 8),  // private
    Block([100, 64], 10),  // shared by carriers (RFC 6598)
    Block([127], 8),  // loopback
    Block([169, 254], 16),  // link-local; clouds serve credentials from it
    Block([172, 16], 12),  // private
    Block([192, 0, 0], 24),  // protocol assignments
    Block([192, 0, 2], 24),  // documentation
    Block([192, 88, 99], 24),  // 6to4 relays (RFC 7526)
    Block([192, 168], 16),  // private
    Block([198, 18], 15),  // benchmarks
    Block([198, 51, 100], 24),  // documentation
    Block([203, 0, 113], 24),  // documentation
    Block([224], 4),  // multicast
    Block([240], 4),  // reserved, and broadcast
  ]

  private static let globalUnicastV6 = Block([0x20], 3)

  /// IANA IPv6 Special-Purpose Address Registry, as far as it lies in 2000::/3.
  private static let specialV6 = [
    Block([0x20, 0x01, 0x00], 23),  // protocol assignments: Teredo, benchmarks, ORCHID
    Block([0x20, 0x01, 0x0d, 0xb8], 32),  // documentation
    Block([0x20, 0x02], 16),  // 6to4: embeds an IPv4 address
    Block([0x3f, 0xff, 0x00], 20),  // documentation (RFC 9637)
  ]
}
