// swift-tools-version: 6.2
import PackageDescription

// Warnings are errors in our own targets; dependencies are left alone.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]
// Verbs of the store run up to their wait on the caller's executor: without it (SE-0461) each call would cross to the
// cooperative pool and back, which costs more than the write itself.
let callersExecutor: [SwiftSetting] = [.enableUpcomingFeature("NonisolatedNonsendingByDefault")]

let package = Package(
  name: "millrace",
  products: [
    .library(name: "Millrace", targets: ["Millrace"]),
    .executable(name: "millrace", targets: ["millrace"]),
  ],
  dependencies: [
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    // C: module maps, and shims that say why each is needed.
    .target(name: "CLinux"),
    .target(name: "CMicrohttpd", linkerSettings: [.linkedLibrary("microhttpd"), .linkedLibrary("gnutls")]),
    .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl")]),
    .target(name: "CCrypto", linkerSettings: [.linkedLibrary("crypto")]),
    .target(name: "CZlib", linkerSettings: [.linkedLibrary("z")]),

    .target(name: "JobModel", swiftSettings: strict),
    .target(name: "StrictJSON", swiftSettings: strict),
    .target(name: "Cron", dependencies: ["JobModel", "CLinux"], swiftSettings: strict),
    .target(name: "EventLoop", dependencies: ["CLinux"], swiftSettings: strict),
    .target(name: "Multiprocessing", dependencies: ["CLinux", "EventLoop"], swiftSettings: strict),
    .target(name: "HTTPServer", dependencies: ["CMicrohttpd", "CLinux", "EventLoop"], swiftSettings: strict),
    .target(
      name: "JobStore",
      dependencies: [
        "JobModel", "CLinux", "CCrypto", .product(name: "GRDB", package: "GRDB.swift"),
        .product(name: "GRDBSQLite", package: "GRDB.swift"),
      ], swiftSettings: strict + callersExecutor),
    // Started by the store's tests, which may not fork themselves: the writer that is killed; and the store's benchmark.
    .executableTarget(name: "StoreTorture", dependencies: ["JobStore", "JobModel"], swiftSettings: strict),
    .target(name: "HandlerAPI", dependencies: ["JobModel", "StrictJSON", "CLinux"], swiftSettings: strict),
    .target(name: "Configuration", dependencies: ["JobModel", "CLinux", "Yams"], swiftSettings: strict),
    // Requests to strangers' servers, with a say in which addresses are connected to.
    .target(name: "OutgoingHTTP", dependencies: ["JobModel", "CCurl", "CLinux"], swiftSettings: strict),
    .target(
      name: "Handlers", dependencies: ["HandlerAPI", "StrictJSON", "OutgoingHTTP", "CCrypto", "CZlib", "CLinux"],
      swiftSettings: strict),
    .target(name: "Prefork", dependencies: ["CLinux"], swiftSettings: strict),
    .target(
      name: "JobService",
      dependencies: [
        "JobModel", "StrictJSON", "EventLoop", "Multiprocessing", "HTTPServer", "JobStore", "HandlerAPI",
        "Configuration", "Prefork", "OutgoingHTTP", "Cron", "CCrypto", "CLinux",
        .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: strict + callersExecutor),
    .target(
      name: "Commands",
      dependencies: [
        "JobModel", "JobStore", "Configuration", "HandlerAPI", "StrictJSON", "CCurl",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: strict),
    .target(
      name: "Millrace", dependencies: ["HandlerAPI", "Handlers", "Commands", "JobService", "Multiprocessing"],
      swiftSettings: strict),
    .executableTarget(name: "millrace", dependencies: ["Millrace"], swiftSettings: strict),

    .testTarget(name: "JobModelTests", dependencies: ["JobModel"], swiftSettings: strict),
    .testTarget(name: "CronTests", dependencies: ["Cron", "JobModel"], swiftSettings: strict),
    .testTarget(name: "StrictJSONTests", dependencies: ["StrictJSON"], swiftSettings: strict),
    .testTarget(
      name: "HandlerAPITests", dependencies: ["HandlerAPI", "JobModel", "StrictJSON"], swiftSettings: strict),
    .testTarget(name: "EventLoopTests", dependencies: ["EventLoop", "CLinux"], swiftSettings: strict),
    // The test runner has threads and must never fork: these programs do it, one a scenario.
    .executableTarget(
      name: "PoolExamples", dependencies: ["Multiprocessing", "EventLoop", "CLinux"], path: "Tests/PoolExamples",
      swiftSettings: strict),
    .testTarget(
      name: "MultiprocessingTests", dependencies: ["Multiprocessing", "EventLoop", "CLinux", "PoolExamples"],
      swiftSettings: strict),
    .testTarget(name: "HTTPServerTests", dependencies: ["HTTPServer", "EventLoop", "CLinux"], swiftSettings: strict),
    .testTarget(
      name: "JobStoreTests",
      dependencies: ["JobStore", "JobModel", "StoreTorture", "CLinux", .product(name: "GRDB", package: "GRDB.swift")],
      swiftSettings: strict),
    .testTarget(
      name: "HandlersTests",
      dependencies: ["Handlers", "HandlerAPI", "OutgoingHTTP", "JobModel", "StrictJSON", "CZlib", "CLinux"],
      swiftSettings: strict),
    .testTarget(
      name: "OutgoingHTTPTests", dependencies: ["OutgoingHTTP", "JobModel", "CLinux"], swiftSettings: strict),
    .testTarget(name: "ConfigurationTests", dependencies: ["Configuration"], swiftSettings: strict),
    .testTarget(name: "CommandsTests", dependencies: ["Commands", "Configuration"], swiftSettings: strict),
    .testTarget(name: "PreforkTests", dependencies: ["Prefork", "PreforkToy", "CLinux"], swiftSettings: strict),
    // A prefork server that serves nothing: the test runner has threads, so it must not fork by itself.
    .executableTarget(
      name: "PreforkToy", dependencies: ["Prefork", "CLinux"], path: "Tests/PreforkToy", swiftSettings: strict),
    .testTarget(name: "JobServiceTests", dependencies: ["JobService", "StrictJSON"], swiftSettings: strict),
    .testTarget(name: "EndToEnd", dependencies: ["millrace", "CLinux"], path: "Tests/EndToEnd", swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)

// What `Tests/Load/run` compares with; nobody else needs it built.
if Context.environment["MILLRACE_LOAD"] != nil {
  package.targets.append(
    .executableTarget(
      name: "LoadBaseline", path: "Tests/Load/Baseline", linkerSettings: [.linkedLibrary("microhttpd")]))
}
