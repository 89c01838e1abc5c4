import Foundation
import Glibc
import Synchronization
import Testing

/// The built server, run as a user would: by its command line, in its own process group and folder, with real signals.
final class ServerProcess: Sendable {
  let pid: pid_t
  let folder: TestFolder
  let address: HTTPClient.Address
  private let marker: String
  private let logPath: String
  private let exitStatus = Mutex<Int32?>(nil)

  /// What a server gets that a test says nothing else of.
  static let usual = [
    "--acceptors", "2", "--workers", "2", "--diagnostics", "--drain-timeout", "5s", "--public", "none",
  ]

  /// Starts a server and waits until it answers.
  ///
  /// - Parameters:
  ///   - arguments: they go over ``usual``, as the last of a repeated flag counts.
  ///   - listen: the first address; with port 0 the start line tells which one it became.
  init(
    _ arguments: [String], in folder: TestFolder, listen: String = "127.0.0.1:0", environment: [String: String] = [:]
  ) throws {
    self.folder = folder
    let id = UUID().uuidString
    marker = "MARK_OF_TEST=\(id)"
    logPath = folder.file("log-\(id)")
    let store = folder.file("jobs.sqlite")
    pid = try Program.spawn(
      Program.millrace, ["serve", "--listen", listen, "--store", store] + Self.merged(arguments),
      environment: environment.merging(["MARK_OF_TEST": id]) { $1 }, output: logPath, errors: logPath)
    do {
      address = try Self.address(pid, listen, logPath)
      // All acceptors, so that a test's signal does not meet one that is being born.
      try eventually("the server is ready", see: { try? tree() }) { tree in
        tree?.acceptors.isEmpty == false && tree?.acceptors.allSatisfy { $0.state == "ready" } == true
      }
    } catch {
      kill(-pid, SIGKILL)
      waitpid(pid, nil, 0)
      throw error
    }
  }

  /// A test that failed half way leaves no process behind either.
  deinit {
    if exitStatus.withLock({ $0 }) == nil { killWhatIsLeft() }
  }

  /// A flag may be given once, so those of the test take the place of the usual ones.
  private static func merged(_ arguments: [String]) -> [String] {
    var merged = arguments
    var index = 0
    while index < usual.count {
      let takesValue = index + 1 < usual.count && !usual[index + 1].hasPrefix("--")
      if !arguments.contains(usual[index]) { merged += usual[index...(takesValue ? index + 1 : index)] }
      index += takesValue ? 2 : 1
    }
    // What a test switches off stands as --no-….
    return merged.filter { !merged.contains("--no-" + $0.dropFirst(2)) }
  }

  /// Reads the start line: `… serves 127.0.0.1:41234 with 2 acceptors …`.
  private static func address(_ pid: pid_t, _ listen: String, _ logPath: String) throws -> HTTPClient.Address {
    var log = ""
    let line = try eventually("the start line is there") {
      log = (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? ""
      if waitpid(pid, nil, WNOHANG) == pid { throw NeverHappened(description: "the server ended at once: \(log)") }
      return log.split(separator: "\n").first { $0.contains(" serves ") }
    } until: {
      $0 != nil
    }
    guard let line, let start = line.range(of: " serves "), let end = line.range(of: " with ") else {
      throw NeverHappened(description: "no start line in \(log)")
    }
    // Several addresses stand in the order they were given in.
    let address = line[start.upperBound..<end.lowerBound]
    if listen.hasPrefix("unix:") { return .unix(String(listen.dropFirst("unix:".count))) }
    let first = address.prefix { $0 != "," }
    guard let port = first.split(separator: ":").last.flatMap({ UInt16($0) }) else {
      throw NeverHappened(description: "no port in \(line)")
    }
    return listen.hasPrefix("[") ? .port6(port) : .port(port)
  }

  var port: UInt16 {
    switch address {
    case .port(let port), .port6(let port): port
    case .unix: 0
    }
  }

  /// What the server wrote on standard error so far.
  var log: String { (try? String(contentsOfFile: logPath, encoding: .utf8)) ?? "" }

  func client(receiveBufferBytes: Int? = nil) throws -> HTTPClient {
    try HTTPClient(address, receiveBufferBytes: receiveBufferBytes)
  }

  func signal(_ number: Int32) { kill(pid, number) }
  /// As a power cut would: no process of the server gets to say anything.
  func killEverything() { kill(-pid, SIGKILL) }

  /// Waits for the end of the master, and gives its exit status, or 128 and the signal that ended it.
  @discardableResult
  func ended(within limit: Duration = patience) throws -> Int32 {
    if let status = exitStatus.withLock({ $0 }) { return status }
    let status = try Program.end(of: pid, within: limit)
    exitStatus.withLock { $0 = status }
    return status
  }

  @discardableResult
  func terminate() throws -> Int32 {
    if exitStatus.withLock({ $0 }) == nil { signal(SIGTERM) }
    return try ended()
  }

  var livingProcesses: [ProcessTable.Entry] { ProcessTable.living(group: pid, marker: marker) }

  func checkThatNoProcessIsLeft() throws {
    try eventually("no process of the server is left", within: .seconds(20), see: { livingProcesses }) { $0.isEmpty }
  }

  /// Not one process of the server is left, and no connection of this process to it.
  func checkNothingIsLeft() throws {
    try checkThatNoProcessIsLeft()
    let connections = OwnConnections.count(toPort: port)
    if connections > 0 { throw NeverHappened(description: "\(connections) connections of the test are left") }
  }

  /// For a test that failed: ends what there is.
  func killWhatIsLeft() {
    for entry in livingProcesses { kill(entry.pid, SIGKILL) }
    _ = try? ended(within: .seconds(10))
  }
}

/// Runs a test with a server of its own: stopped in order afterwards, with a look for what may be left of it.
func withServer<Value>(
  _ arguments: [String] = [], in given: TestFolder? = nil, listen: String = "127.0.0.1:0",
  environment: [String: String] = [:], _ body: (ServerProcess) throws -> Value
) throws -> Value {
  let folder = try given ?? TestFolder()
  let server = try ServerProcess(arguments, in: folder, listen: listen, environment: environment)
  do {
    let value = try body(server)
    try server.terminate()
    try server.checkNothingIsLeft()
    if given == nil { try folder.remove() }
    return value
  } catch {
    Issue.record("the server's log: \(server.log.suffix(4000))")
    server.killWhatIsLeft()
    if given == nil { try? folder.remove() }
    throw error
  }
}

/// The sockets of this very process.
enum OwnConnections {
  static func count(toPort port: UInt16) -> Int {
    guard port > 0 else { return 0 }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd")) ?? []
    return names.compactMap { Int32($0) }.count { peerPort(of: $0) == port }
  }

  private static func peerPort(of descriptor: Int32) -> UInt16? {
    var name = sockaddr_storage()
    var size = socklen_t(MemoryLayout<sockaddr_storage>.size)
    return withUnsafeMutablePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        guard getpeername(descriptor, $0, &size) == 0 else { return nil }
        guard [AF_INET, AF_INET6].contains(Int32($0.pointee.sa_family)) else { return nil }
        // The port stands at the same place in both families.
        return $0.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { UInt16(bigEndian: $0.pointee.sin_port) }
      }
    }
  }
}
