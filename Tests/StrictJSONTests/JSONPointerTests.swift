import StrictJSON
import Testing

@Suite("JSON pointers")
struct JSONPointerTests {
  @Test("a pointer names its way from the root, with ~ and / escaped")
  func building() {
    #expect(JSONPointer.root.text == "")
    #expect(JSONPointer.root.appending(key: "").text == "/")
    #expect(JSONPointer.root.appending(key: "args").appending(key: "a").appending(index: 12).text == "/args/a/12")
    #expect(JSONPointer.root.appending(key: "a/b~c~1").text == "/a~1b~0c~01")
    #expect(JSONPointer.root.appending(key: "é \"").text == "/é \"")
  }
}
