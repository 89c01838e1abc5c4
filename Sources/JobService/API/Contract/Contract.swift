// The HTTP contract as declarations. From this one table come the router, `Allow`, the check of query parameters, the
// bodies that are taken, the scopes of tokens, the labels of metrics, and `/openapi.json`: they cannot drift apart.
//
// To add a route:
// 1. declare a `Resource` in a `Contract+….swift`, with an `Operation` for each method, and list it below;
// 2. write the method that its `perform` names, in `API+….swift`: it gets a `Call`, whose path and query have been read as
//    declared, and answers with `send(call, …)` or, where it has to wait, `later(call) { … }`.
// To add an option of a submit: one declaration in `JobOption+All.swift`.

import EventLoop
import HTTPServer

enum Contract {
  /// Counters in shared memory are kept by the index in this list.
  static let resources: [Resource] = routed + [files, unknown]

  private static let routed: [Resource] = [
    jobs, job, jobResult, jobLog, jobCancel, jobRetry, jobEvents, jobExplanation,
    events,
    queues, queue, queuePause, queueResume,
    run, handlers, handler,
    schedules, schedule,
    service, processes, metrics, livez, readyz, openAPI, reference,
  ]

  static let router = Router(routed.map(\.template))

  /// The public folder: every path that is neither listed nor below `/v1/`.
  static let files = Resource(
    "/", tag: .server,
    get: Operation(
      "showFile", "A file of the public folder", scope: nil,
      replies: [.body("*/*", "The file.", [.etag]), .notModified]
    ) { api, call throws(APIError) in try api.file(call) })

  /// Below `/v1/`, and nothing.
  static let unknown = Resource("unknown", tag: .server)

  private static let filesIndex = resources.count - 2
  private static let unknownIndex = resources.count - 1

  /// What a path names. - Parameter path: percent-decoded, beginning with `/`.
  static func match(_ path: [UInt8]) -> Router.Match {
    if let match = router.match(path) { return match }
    let isBelow = path.starts(with: "/v1/".utf8)
    return Router.Match(resource: isBelow ? unknownIndex : filesIndex, parameter: 0..<0)
  }
}
