import Testing

@testable import Configuration

@Suite("Texts of values")
struct ValueTextTests {
  @Test(
    "sizes are bytes, or whole binary units",
    arguments: [
      ("0", 0), ("1024", 1024), ("64KiB", 65_536), ("3MiB", 3 << 20), ("1GiB", 1 << 30), ("2TiB", 2 << 40),
    ])
  func sizes(text: String, bytes: Int) throws {
    #expect(try ValueText.size(text, in: 0 ... .max) == bytes)
  }

  @Test(
    "anything else is no size",
    arguments: ["", "KiB", "-1", "+1", "1.5GiB", "1 GiB", "1GB", "1gib", "1G", "0x10", "99999999999999999999"])
  func notSizes(text: String) {
    #expect(throws: ValueError.self) { try ValueText.size(text, in: 0 ... .max) }
  }

  @Test("a size that overflows, or is out of range, is told its limits")
  func sizeRange() {
    let message = "must be from 1KiB to 1GiB, not "
    #expect(throws: ValueError(message + "'9007199254740993TiB'")) {
      try ValueText.size("9007199254740993TiB", in: 1024...(1 << 30))
    }
    #expect(throws: ValueError(message + "'1023'")) { try ValueText.size("1023", in: 1024...(1 << 30)) }
    #expect(ValueText.size(0) == "0" && ValueText.size(1025) == "1025" && ValueText.size(3 << 40) == "3TiB")
  }

  @Test("stores are files")
  func stores() throws {
    #expect(try ValueText.store("jobs.db") == .sqlite(path: "jobs.db"))
    #expect(try ValueText.store("sqlite:/var/lib/a:b") == .sqlite(path: "/var/lib/a:b"))
    #expect(try ValueText.store("./a:b") == .sqlite(path: "./a:b"))
    for text in ["postgres://h/db", "mysql:db"] {
      #expect(throws: ValueError("must be a path, or sqlite:PATH, not '\(text)'")) { try ValueText.store(text) }
    }
    for text in ["", "sqlite:", ":memory:", "sqlite::memory:", "sqlite:file:x?mode=memory"] {
      #expect(throws: ValueError("must name a file that keeps the jobs, not '\(text)'")) { try ValueText.store(text) }
    }
  }

  @Test("a quota of processor time limits the cores, a text that is none does not")
  func quota() {
    #expect(CoreCount.limited(processors: 8, byQuota: nil) == 8)
    #expect(CoreCount.limited(processors: 8, byQuota: "max 100000\n") == 8)
    #expect(CoreCount.limited(processors: 8, byQuota: "200000 100000\n") == 2)
    #expect(CoreCount.limited(processors: 8, byQuota: "150000 100000\n") == 2)
    #expect(CoreCount.limited(processors: 8, byQuota: "10000 100000\n") == 1)
    #expect(CoreCount.limited(processors: 2, byQuota: "800000 100000\n") == 2)
    #expect(CoreCount.limited(processors: 0, byQuota: "0 0") == 1)
    #expect(CoreCount.available() >= 1)
  }

  @Test("what is quoted back cannot disturb a terminal or fill it")
  func quoting() {
    #expect(printable("a\u{1b}[2J\u{202e}é\n") == "a?[2J?é?")
    #expect(printable(String(repeating: "x", count: 100)) == String(repeating: "x", count: 80) + "…")
  }
}
