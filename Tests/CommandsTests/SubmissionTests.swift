import Testing

@testable import Commands

@Suite("What submit sends")
struct SubmissionTests {
  @Test(
    "arguments are one JSON value or name=value words",
    arguments: [
      ([], nil), (["{\"a\": 1.10}"], "{\"a\": 1.10}"), (["[1,2]"], "[1,2]"), (["5"], "5"), (["\"a=b\""], "\"a=b\""),
      (["below=1000"], "{\"below\":1000}"), (["n=12345678901234567890.10"], "{\"n\":12345678901234567890.10}"),
      (["t=hello world"], "{\"t\":\"hello world\"}"), (["t="], "{\"t\":\"\"}"), (["t=a=b"], "{\"t\":\"a=b\"}"),
      (["t=\"5\""], "{\"t\":\"5\"}"), (["b=true", "z=null"], "{\"b\":true,\"z\":null}"),
      (["b={\"x\":[1]}"], "{\"b\":{\"x\":[1]}}"), (["q=say \"hi\"\\\n\u{1}é"], #"{"q":"say \"hi\"\\\n\u0001é"}"#),
      (["n=1}"], "{\"n\":\"1}\"}"), (["n=1,\"x\":2"], #"{"n":"1,\"x\":2"}"#), (["zip=01234"], "{\"zip\":\"01234\"}"),
      (["n=NaN"], "{\"n\":\"NaN\"}"), (["n=-0.5e3"], "{\"n\":-0.5e3}"),
    ] as [([String], String?)])
  func arguments(words: [String], json: String?) throws {
    #expect(try SubmitArguments(words: words).json == json)
  }

  @Test(
    "words that are neither are refused",
    arguments: [
      (["b"], "the argument 'b' is neither JSON nor name=value"), (["a=1", "b"], "the argument 'b' is not name=value"),
      (["=1"], "the argument '=1' is neither JSON nor name=value"),
      (["{\"a\":1}", "b=2"], "the argument '{\"a\":1}' is not name=value"),
      (["a=1", "a=2"], "'a' is given twice"),
    ])
  func refused(words: [String], message: String) {
    #expect(throws: SubmitArguments.Mistake(message: message)) { try SubmitArguments(words: words) }
  }

  private let options: [Submission.Option] = [
    .init(name: "priority", text: "-5", isJSON: true), .init(name: "delay", text: "1.5h"),
    .init(name: "metadata", text: "{\"a b\": \"&\"}", isJSON: true),
  ]

  @Test("a document carries the handler, the arguments and the options that were given")
  func document() throws {
    let submission = Submission(
      handler: "count_primes", arguments: try SubmitArguments(words: ["below=10"]), options: options)
    #expect(
      String(decoding: submission.document, as: UTF8.self)
        == #"{"handler":"count_primes","args":{"below":10},"priority":-5,"delay":"1.5h","metadata":{"a b": "&"}}"#)
    #expect(Submission(handler: "noop", arguments: .none).document == Array(#"{"handler":"noop"}"#.utf8))
  }

  @Test("beside a body all of that goes into the query, single arguments untyped")
  func query() throws {
    let pairs = try SubmitArguments(words: ["text=5 %&=é"])
    #expect(
      Submission(handler: "a b", arguments: pairs, options: options).query
        == "?handler=a%20b&args.text=5%20%25%26%3D%C3%A9&priority=-5&delay=1.5h"
        + "&metadata=%7B%22a%20b%22%3A%20%22%26%22%7D")
    #expect(Submission(handler: "h", arguments: .json("{}")).query == "?handler=h&args=%7B%7D")
  }

  @Test(
    "--wait takes the next word only if that is a time",
    arguments: [
      (["submit", "--wait", "sleep"], ["submit", "--wait=forever", "sleep"]),
      (["submit", "--wait", "5", "sleep"], ["submit", "--wait=5", "sleep"]),
      (["submit", "sleep", "--wait", "1.5m"], ["submit", "sleep", "--wait=1.5m"]),
      (["submit", "sleep", "--wait"], ["submit", "sleep", "--wait=forever"]),
      (["submit", "--wait=7", "--wait", "--json"], ["submit", "--wait=7", "--wait=forever", "--json"]),
      (["submit", "--", "--wait", "5"], ["submit", "--", "--wait", "5"]), (["wait", "5"], ["wait", "5"]),
    ])
  func wait(words: [String], joined: [String]) {
    #expect(WaitText.joined(words) == joined)
  }

  @Test("a wait is seconds, a duration, or without end")
  func waitLimits() {
    #expect(WaitText.limit("0") == .atMost(.zero))
    #expect(WaitText.limit("90") == .atMost(.seconds(90)))
    #expect(WaitText.limit("500ms") == .atMost(.milliseconds(500)))
    #expect(WaitText.limit("forever") == .forever)
    for text in ["", "-1", "+1", "1.5", "soon", "99999999999"] { #expect(WaitText.limit(text) == nil, "\(text)") }
  }
}
