import CLinux
import Glibc
import Testing

@testable import OutgoingHTTP

@Suite struct IPAddressTests {
  @Test(
    "addresses that lead elsewhere than to the public internet are told apart",
    arguments: [
      "0.0.0.0", "0.255.255.255", "10.0.0.0", "10.255.255.255", "100.64.0.0", "100.127.255.255", "127.0.0.1",
      "127.255.255.254", "169.254.169.254", "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1",
      "192.168.0.1", "192.168.255.255", "198.18.0.1", "198.19.255.255", "198.51.100.7", "203.0.113.9", "224.0.0.1",
      "239.255.255.255", "240.0.0.1", "255.255.255.255",
      "::", "::1", "::ffff:127.0.0.1", "::ffff:8.8.8.8", "::7f00:1", "64:ff9b::7f00:1", "64:ff9b::808:808",
      "64:ff9b:1::1", "100::1", "fc00::1", "fd12:3456::1", "fe80::1", "febf::1", "fec0::1", "ff02::1", "ff0e::1",
      "2001::1", "2001:2::1", "2001:10::1", "2001:20::1", "2001:1ff:ffff::1", "2001:db8::1", "2002:7f00:1::1",
      "3fff::1", "3fff:fff::1", "4000::1", "5f00::1",
    ])
  func notPublic(text: String) throws { #expect(try !#require(IPAddress(text)).isPublic) }

  @Test(
    "public addresses are told apart, right beside the special blocks too",
    arguments: [
      "1.0.0.0", "1.1.1.1", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255",
      "128.0.0.0", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "192.0.1.0", "192.0.3.0",
      "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0", "223.255.255.255",
      "2000::1", "2001:200::1", "2001:4860:4860::8888", "2001:db7:ffff::1", "2001:db9::1", "2003::1",
      "2606:4700:4700::1111", "2a00::1", "3ffe::1", "3fff:1000::1",
    ])
  func isPublic(text: String) throws { #expect(try #require(IPAddress(text)).isPublic) }

  @Test(
    "what is no address is none", arguments: ["", "localhost", "1.2.3", "1.2.3.4.5", "0x7f.1", "fe80::1%eth0", "[::1]"])
  func malformed(text: String) { #expect(IPAddress(text) == nil) }

  @Test("reads a socket address, and refuses one cut short or of another family")
  func socketAddresses() {
    var v4 = sockaddr_in()
    v4.sin_family = sa_family_t(AF_INET)
    v4.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    withUnsafeBytes(of: v4) { bytes in
      #expect(IPAddress(bytes) == IPAddress("127.0.0.1"))
      #expect(IPAddress(UnsafeRawBufferPointer(rebasing: bytes[..<7])) == nil)
    }
    var v6 = sockaddr_in6()
    v6.sin6_family = sa_family_t(AF_INET6)
    inet_pton(AF_INET6, "2001:db8::5", &v6.sin6_addr)
    withUnsafeBytes(of: v6) { #expect(IPAddress($0) == IPAddress("2001:db8::5")) }
    var local = sockaddr_un()
    local.sun_family = sa_family_t(AF_UNIX)
    withUnsafeBytes(of: local) { #expect(IPAddress($0) == nil) }
  }
}
