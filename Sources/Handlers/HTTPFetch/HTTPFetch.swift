import FoundationEssentials
import HandlerAPI
import JobModel
import OutgoingHTTP
import Synchronization

/// Fetches a page from the network. Any status is a result, 404 and 500 too; what fails is not getting an answer.
///
/// Whoever may submit a job makes this server send requests from where it stands. So addresses that are not public are
/// refused (see ``allowsPrivateAddresses``), proxies and credentials of the server's environment are not used, and time,
/// size and redirects have limits.
public struct HTTPFetch: Handler {
  public struct Input: Decodable, Sendable {
    /// `http` or `https`, without credentials.
    public var url: String
    /// `GET` (if left out) or `HEAD`.
    public var method: String?
    /// `{"accept": "text/plain"}`, at most 64. Those that belong to the connection are refused.
    public var headers: [String: String]?
    /// The largest body accepted, after decompression: 0…67,108,864; 10,485,760 if left out.
    public var maxBytes: Int?

    public init(url: String, method: String? = nil, headers: [String: String]? = nil, maxBytes: Int? = nil) {
      self.url = url
      self.method = method
      self.headers = headers
      self.maxBytes = maxBytes
    }

    private enum CodingKeys: String, CodingKey {
      case url, method, headers
      case maxBytes = "max_bytes"
    }
  }

  public struct Output: Encodable, Sendable {
    public var status: Int
    /// After redirects.
    public var url: String
    /// Names in lower case; the values of a repeated one are joined by ", ".
    public var headers: [String: String]
    /// Of the body as decompressed: `content-length` may be another.
    public var bytes: Int
    /// The body where it is UTF-8; otherwise ``bodyBase64``.
    public var body: String?
    public var bodyBase64: String?

    private enum CodingKeys: String, CodingKey {
      case status, url, headers, bytes, body
      case bodyBase64 = "body_base64"
    }
  }

  public static let name = "http_fetch"
  public static let summary = "Fetches a page from the network."
  public static let executor = Executor.task
  public static let constraints: [InputConstraint] = [
    .string("url", minLength: 1, maxLength: 8192), .oneOf("method", ["GET", "HEAD"]),
    .integer("max_bytes", 0...64 * 1024 * 1024),
  ]

  /// Whether loopback, private and other addresses that are not on the public internet may be connected to. Set once when
  /// a process starts, from the operator's configuration, before the first job; false until then.
  public static var allowsPrivateAddresses: Bool {
    get { privateAddressesAllowed.load(ordering: .relaxed) }
    set { privateAddressesAllowed.store(newValue, ordering: .relaxed) }
  }
  private static let privateAddressesAllowed = Atomic<Bool>(false)

  /// From the first connection to the last byte, redirects included.
  static let timeLimit = Duration.seconds(60)
  static let defaultMaxBytes = 10 * 1024 * 1024

  public init() {}

  public static func validate(_ input: Input) -> [InputError] {
    (FetchURL.problem(input.url).map { [InputError(pointer: "/url", detail: $0)] } ?? [])
      + FetchHeaders.errors(input.headers ?? [:])
  }

  /// A cancelled task ends at once with `CancellationError`, and its connection is closed.
  public func run(_ input: Input, _ context: JobContext) async throws -> Output {
    let allowsAll = Self.allowsPrivateAddresses
    let request = FetchRequest(
      url: input.url, method: input.method == "HEAD" ? .head : .get,
      headers: FetchHeaders.sent(input.headers ?? [:], in: context),
      maxBytes: input.maxBytes ?? Self.defaultMaxBytes, timeLimit: Self.timeLimit, deadline: context.deadline,
      mayConnect: { allowsAll || $0.isPublic })
    let response: FetchResponse
    do {
      response = try await FetchLoop.shared.get().fetch(request) { received, total in
        context.progress(received, of: total, "bytes received")
      }
    } catch let error as FetchError {
      throw HandlerError(error.message)
    }
    let text = String(validating: response.body, as: UTF8.self)
    return Output(
      status: response.status, url: response.url, headers: response.headers, bytes: response.body.count, body: text,
      bodyBase64: text == nil ? Data(response.body).base64EncodedString() : nil)
  }
}
