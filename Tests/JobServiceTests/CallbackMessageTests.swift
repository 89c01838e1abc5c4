import FoundationEssentials
import JobModel
import StrictJSON
import Testing

@testable import JobService

@Suite("Callbacks, as they are sent")
struct CallbackMessageTests {
  private func ended(args: String = #"{"a": 1.0}"#) -> Job {
    let start = Timestamp(microseconds: 1_800_000_000_000_000)
    var job = Job(
      id: JobID(high: 0x019a_0000_0000_7000, low: 0x8000_0000_0000_0001), handler: "noop", executor: .process,
      state: .queued, input: .json(Array(args.utf8)), createdAt: start
    ).claimed(by: OwnerID(number: 1), runBy: RunBy(node: "n", acceptor: 0, pid: 1), now: start)
    job.callbackURL = "http://example.org/"
    return job.ended(
      .succeeded(JobResult(mediaType: "application/json", byteCount: 2, body: .bytes(Array("{}".utf8)))), usage: nil,
      now: start, retention: .seconds(60), jitter: 0)
  }

  @Test("the signature is that of the specification's own example")
  func signature() throws {
    // https://github.com/standard-webhooks/standard-webhooks, libraries' tests.
    let secret = try #require(Data(base64Encoded: "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    let text = CallbackSignature.text(
      id: "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp: "1614265330", body: Array(#"{"test": 2432232314}"#.utf8),
      secret: Array(secret))
    #expect(text == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=")
  }

  @Test("the body says what happened, when, and to which job")
  func body() throws {
    let message = CallbackMessage(ended())
    let root = try JSONDocument.parse(message.body).root
    #expect(root["type"]?.stringValue == "job.succeeded")
    #expect(root["timestamp"]?.stringValue == "2027-01-15T08:00:00.000Z")
    #expect(root["data"]?["id"]?.stringValue == "019a0000-0000-7000-8000-000000000001")
    #expect(root["data"]?["args"]?.rawBytes == Array(#"{"a": 1.0}"#.utf8))
  }

  @Test("every attempt sends the same bytes under the same id, and another end another id")
  func stable() {
    var tried = ended()
    tried.callback = CallbackDelivery(attempts: 3, lastStatus: 500, lastError: "no")
    #expect(CallbackMessage(tried).body == CallbackMessage(ended()).body)
    #expect(CallbackMessage(tried).id == CallbackMessage(ended()).id)
    var later = ended()
    later.revision += 2
    #expect(CallbackMessage(later).id != CallbackMessage(ended()).id)
  }

  @Test("large arguments are left out")
  func largeArgs() throws {
    let args = #"{"a": "\#(String(repeating: "x", count: 70_000))"}"#
    let root = try JSONDocument.parse(CallbackMessage(ended(args: args)).body).root
    #expect(root["data"]?["args"]?.isNull == true)
  }

  @Test("without a secret there is no signature")
  func headers() {
    let now = Timestamp(microseconds: 1_614_265_330_999_999)
    let plain = CallbackMessage(ended()).headers(now: now, secret: nil)
    #expect(plain["webhook-timestamp"] == "1614265330" && plain["webhook-signature"] == nil)
    #expect(plain["webhook-id"]?.contains(".") == false)
    let signed = CallbackMessage(ended()).headers(now: now, secret: [1, 2, 3])
    #expect(signed["webhook-signature"]?.hasPrefix("v1,") == true)
  }
}
