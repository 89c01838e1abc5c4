import EventLoop

/// The server itself.
extension Contract {
  static let service = Resource(
    "/v1", tag: .server,
    get: Operation(
      "showService", "The service", details: "Version, store, limits, numbers of jobs.", scope: .read,
      replies: [.json(200, "The service.", .reference("Service"))]
    ) { api, call throws(APIError) in api.send(call, api.serviceDocument()) })

  static let processes = Resource(
    "/v1/processes", tag: .server,
    get: Operation(
      "showProcesses", "The tree of processes", scope: .read,
      replies: [.json(200, "The master and all below it.", .reference("Processes"))]
    ) { api, call throws(APIError) in api.send(call, api.processesDocument()) })

  static let metrics = Resource(
    "/metrics", tag: .server,
    get: Operation(
      "showMetrics", "Numbers for Prometheus", details: "Totals over all acceptors.", scope: .read,
      replies: [.body("text/plain", "Prometheus' text format, version 0.0.4.")]
    ) { api, call throws(APIError) in api.send(call, api.metricsPage()) })

  static let livez = Resource(
    "/livez", tag: .server,
    get: Operation(
      "showLiveness", "Whether the server is alive", scope: nil, replies: [.body("text/plain", "It is.")]
    ) { api, call throws(APIError) in api.send(call, Health.reply(200, "alive")) })

  static let readyz = Resource(
    "/readyz", tag: .server,
    get: Operation(
      "showReadiness", "Whether the server takes work", scope: nil,
      replies: [
        .body("text/plain", "It does."),
        .problem(503, "It is being stopped, or its store is away.", [.retryAfter]),
      ]
    ) { api, call throws(APIError) in try api.ready(call) })

  static let openAPI = Resource(
    "/openapi.json", tag: .server,
    get: Operation(
      "showContract", "This contract as OpenAPI 3.1", scope: nil, headers: [.ifNoneMatch],
      replies: [.json(200, "The document.", .map(of: .any), [.etag]), .notModified]
    ) { api, call throws(APIError) in api.contract(call) })

  static let reference = Resource(
    "/reference", tag: .server,
    get: Operation(
      "showReference", "This contract as a page to read", scope: nil, headers: [.ifNoneMatch],
      replies: [.body("text/html", "The page.", [.etag]), .notModified]
    ) { api, call throws(APIError) in api.referencePage(call) })
}
