import Foundation
import JobStore
import Testing

@Suite("The spool folder")
struct SpoolFolderTests {
  private func with(_ body: (SpoolFolder) throws -> Void) throws {
    let place = try SQLitePlace(prepared: false)
    defer { place.remove() }
    let path = place.folder + "/spool"
    try SpoolFolder.create(path: path)
    try SpoolFolder.create(path: path)
    try body(SpoolFolder(path: path))
  }

  private func contents(_ descriptor: Int32) throws -> Data? {
    try FileHandle(fileDescriptor: descriptor, closeOnDealloc: true).readToEnd()
  }

  @Test("what is written is read back, and what is removed is gone")
  func roundTrip() throws {
    try with { spool in
      let bytes = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0) }
      let name = try spool.write(bytes)
      #expect(SpoolFolder.isName(name))
      #expect(try contents(spool.openFile(name)) == Data(bytes))
      let copy = try spool.copy(from: try spool.openFile(name))
      #expect(copy != name)
      #expect(try contents(spool.openFile(copy)) == Data(bytes))
      try spool.remove(name)
      try spool.remove(name)
      #expect(throws: StoreError.self) { try spool.openFile(name) }
    }
  }

  @Test(
    "names cannot lead out of the folder", arguments: ["", "..", "../../etc/passwd", String(repeating: "A", count: 32)])
  func names(_ name: String) {
    #expect(!SpoolFolder.isName(name))
  }

  @Test("a file in the folder's place is refused")
  func notAFolder() throws {
    try with { spool in
      let name = try spool.write([1])
      #expect(throws: StoreError.self) { try SpoolFolder.create(path: spool.path(of: name)) }
    }
  }

  @Test("a sweep removes old files that no job refers to, and nothing else")
  func sweep() throws {
    try with { spool in
      let (kept, orphan, young) = (try spool.write([1]), try spool.write([2]), try spool.write([3]))
      let stranger = spool.path + "/README"
      try Data("not ours".utf8).write(to: URL(fileURLWithPath: stranger))
      let hourAgo = [FileAttributeKey.modificationDate: Date(timeIntervalSinceNow: -3600)]
      for path in [spool.path(of: kept), spool.path(of: orphan), stranger] {
        try FileManager.default.setAttributes(hourAgo, ofItemAtPath: path)
      }
      #expect(try spool.sweep(keeping: [kept], olderThan: .seconds(600)) == 1)
      let left = try FileManager.default.contentsOfDirectory(atPath: spool.path)
      #expect(Set(left) == [kept, young, "README"])
    }
  }
}
