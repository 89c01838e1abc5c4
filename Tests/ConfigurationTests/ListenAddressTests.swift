import Testing

@testable import Configuration

@Suite("Listen addresses")
struct ListenAddressTests {
  @Test(
    "are read as they are written",
    arguments: [
      ("127.0.0.1:8080", .tcp(host: "127.0.0.1", port: 8080)), ("[::1]:0", .tcp(host: "::1", port: 0)),
      ("localhost:65535", .tcp(host: "localhost", port: 65535)),
      ("a-b.example:80", .tcp(host: "a-b.example", port: 80)),
      ("unix:/run/a b:c.sock", .unix(path: "/run/a b:c.sock")), ("unix:m.sock", .unix(path: "m.sock")),
    ] as [(String, ListenAddress)])
  func reads(text: String, address: ListenAddress) throws {
    #expect(try ListenAddress(text) == address)
    #expect(address.description == text)
  }

  @Test(
    "are refused with what they should have been",
    arguments: [
      ("8080", "must be HOST:PORT, [IPV6]:PORT or unix:PATH, not '8080'"),
      (":8080", "must be HOST:PORT, [IPV6]:PORT or unix:PATH, not ':8080'"),
      ("::1:80", "must be HOST:PORT, [IPV6]:PORT or unix:PATH, not '::1:80'"),
      ("a_b:80", "must be HOST:PORT, [IPV6]:PORT or unix:PATH, not 'a_b:80'"),
      ("-a:80", "must be HOST:PORT, [IPV6]:PORT or unix:PATH, not '-a:80'"),
      ("127.1:80", "must be HOST:PORT, [IPV6]:PORT or unix:PATH, not '127.1:80'"),
      ("1.2.3.256:80", "must be HOST:PORT, [IPV6]:PORT or unix:PATH, not '1.2.3.256:80'"),
      ("http://h:80", "must be HOST:PORT, [IPV6]:PORT or unix:PATH, not 'http://h:80'"),
      ("h:", "must end in a port from 0 to 65535, not ''"),
      ("h:65536", "must end in a port from 0 to 65535, not '65536'"),
      ("h:+80", "must end in a port from 0 to 65535, not '+80'"),
      ("h:80\n", "must end in a port from 0 to 65535, not '80?'"),
      ("[::g]:80", "must have an IPv6 address in its brackets, not '::g'"),
      ("[127.0.0.1]:80", "must have an IPv6 address in its brackets, not '127.0.0.1'"),
      ("unix:", "must have a path after 'unix:'"),
      (
        "unix:/" + String(repeating: "a", count: 107),
        "must be a path of at most 107 bytes, the most a Unix socket can have"
      ),
    ])
  func refuses(text: String, message: String) {
    #expect(throws: ValueError(message)) { try ListenAddress(text) }
  }

  @Test("take a Unix path of exactly the size that a socket address has room for")
  func longestPath() throws {
    _ = try ListenAddress("unix:" + String(repeating: "a", count: 107))
  }

  @Test("know whether only this machine reaches them")
  func local() throws {
    for text in ["127.0.0.1:1", "127.8.8.8:1", "[::1]:1", "LocalHost:1", "unix:x"] {
      #expect(try ListenAddress(text).isLocal, "\(text)")
    }
    for text in ["0.0.0.0:1", "[::]:1", "[::2]:1", "10.0.0.1:1", "example.org:1", "localhost.example.org:1"] {
      #expect(try !ListenAddress(text).isLocal, "\(text)")
    }
  }
}
