import HTTPServer

/// What tells browsers to be careful. (`X-Content-Type-Options: nosniff` stands on every reply: the HTTP server adds it.)
enum SecurityHeaders {
  /// On the files of the public folder: scripts, styles and connections of this server's only, no frame around a page,
  /// and nothing of where the visitor was goes to other sites.
  static let page =
    [
      HTTPField(
        "Content-Security-Policy",
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"),
      HTTPField("Referrer-Policy", "no-referrer"),
      // https://html.spec.whatwg.org/multipage/browsers.html#cross-origin-opener-policies
      HTTPField("Cross-Origin-Opener-Policy", "same-origin"),
    ] + ownOrigin

  /// On results and logs. They come from the dashboard's origin, and what is in them is up to whoever submitted the job: a
  /// browser that opens one must neither run what is in it nor give it the origin's rights.
  static let stranger =
    [HTTPField("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")] + ownOrigin

  /// Pages of other sites may not embed it (https://fetch.spec.whatwg.org/#cross-origin-resource-policy-header).
  private static let ownOrigin = [HTTPField("Cross-Origin-Resource-Policy", "same-origin")]
}
