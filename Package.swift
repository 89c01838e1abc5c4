// swift-tools-version: 6.2
import PackageDescription

// Warnings are errors in our own targets; dependencies are left alone.
let strict: [SwiftSetting] = [.treatAllWarnings(as: .error)]

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
    .target(name: "CMicrohttpd", linkerSettings: [.linkedLibrary("microhttpd")]),
    .target(name: "CCurl", linkerSettings: [.linkedLibrary("curl")]),
    .target(name: "CCrypto", linkerSettings: [.linkedLibrary("crypto")]),
    .target(name: "CZlib", linkerSettings: [.linkedLibrary("z")]),

    .target(name: "JobModel", swiftSettings: strict),
    .target(name: "StrictJSON", swiftSettings: strict),
    .target(name: "EventLoop", dependencies: ["CLinux"], swiftSettings: strict),
    .target(name: "Multiprocessing", dependencies: ["CLinux", "EventLoop"], swiftSettings: strict),
    .target(name: "HTTPServer", dependencies: ["CMicrohttpd", "CLinux", "EventLoop"], swiftSettings: strict),
    .target(
      name: "JobStore",
      dependencies: ["JobModel", "CLinux", .product(name: "GRDB", package: "GRDB.swift")], swiftSettings: strict),
    .target(name: "HandlerAPI", dependencies: ["JobModel", "StrictJSON", "CLinux"], swiftSettings: strict),
    .target(
      name: "Handlers", dependencies: ["HandlerAPI", "StrictJSON", "CCurl", "CCrypto", "CZlib", "CLinux"],
      swiftSettings: strict),
    .target(name: "Configuration", dependencies: ["JobModel", "Yams"], swiftSettings: strict),
    .target(name: "Prefork", dependencies: ["CLinux"], swiftSettings: strict),
    .target(
      name: "JobService",
      dependencies: [
        "JobModel", "StrictJSON", "EventLoop", "Multiprocessing", "HTTPServer", "JobStore", "HandlerAPI",
        "Configuration", "Prefork", "CLinux", .product(name: "Logging", package: "swift-log"),
      ], swiftSettings: strict),
    .target(
      name: "Commands",
      dependencies: [
        "JobService", "Configuration", "HandlerAPI", "StrictJSON", "CCurl",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], swiftSettings: strict),
    .target(name: "Millrace", dependencies: ["HandlerAPI", "Handlers", "Commands"], swiftSettings: strict),
    .executableTarget(name: "millrace", dependencies: ["Millrace"], swiftSettings: strict),

    .testTarget(name: "JobModelTests", dependencies: ["JobModel"], swiftSettings: strict),
    .testTarget(name: "StrictJSONTests", dependencies: ["StrictJSON"], swiftSettings: strict),
    .testTarget(
      name: "HandlerAPITests", dependencies: ["HandlerAPI", "JobModel", "StrictJSON"], swiftSettings: strict),
    .testTarget(name: "EventLoopTests", dependencies: ["EventLoop", "CLinux"], swiftSettings: strict),
    .testTarget(
      name: "MultiprocessingTests", dependencies: ["Multiprocessing", "EventLoop", "CLinux"], swiftSettings: strict),
    .testTarget(name: "HTTPServerTests", dependencies: ["HTTPServer", "EventLoop", "CLinux"], swiftSettings: strict),
    .testTarget(name: "JobStoreTests", dependencies: ["JobStore", "JobModel", "CLinux"], swiftSettings: strict),
    .testTarget(
      name: "HandlersTests", dependencies: ["Handlers", "HandlerAPI", "JobModel", "StrictJSON", "CZlib", "CLinux"],
      swiftSettings: strict),
    .testTarget(name: "ConfigurationTests", dependencies: ["Configuration"], swiftSettings: strict),
    .testTarget(name: "PreforkTests", dependencies: ["Prefork", "CLinux"], swiftSettings: strict),
    .testTarget(name: "JobServiceTests", dependencies: ["JobService", "StrictJSON"], swiftSettings: strict),
    .testTarget(name: "EndToEnd", dependencies: ["millrace", "CLinux"], path: "Tests/EndToEnd", swiftSettings: strict),
  ],
  swiftLanguageModes: [.v6]
)
