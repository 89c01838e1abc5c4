import Testing

@testable import JobService

@Suite("Shares of acceptors")
struct AcceptorPlanTests {
  @Test(
    "all acceptors of a generation together have as many workers as are configured",
    arguments: [(0, 2), (1, 2), (1, 4), (3, 4), (8, 4), (9, 4), (2, 1)])
  func shares(workers: Int, acceptors: Int) {
    let shares = (0..<acceptors).map { AcceptorPlan.share(of: workers, among: acceptors, rank: $0) }
    #expect(shares.reduce(0, +) == workers)
    #expect((shares.max() ?? 0) - (shares.min() ?? 0) <= 1)
  }
}

@Suite("Media types of results")
struct MediaTypeTests {
  @Test(
    "what can stand in a header is one", arguments: ["image/png", "text/plain; charset=utf-8", "application/ld+json"])
  func wellFormed(mediaType: String) { #expect(MediaType.isWellFormed(mediaType)) }

  @Test(
    "what cannot is none",
    arguments: ["", " ", "png", "/", "image/", "/png", "a/b/c", "text/html\r\nSet-Cookie: a=b", "a/\u{0}", "a/ü"])
  func malformed(mediaType: String) { #expect(!MediaType.isWellFormed(mediaType)) }
}
