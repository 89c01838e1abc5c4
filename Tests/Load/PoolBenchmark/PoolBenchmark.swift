// Measures the process pool beside the least that could do the same on this machine, and prints samples as JSON: an object of
// rows, each with what was measured and what it is compared with, in the same unit. `Tests/Load/pool` runs it, and says what
// the rows mean.

import EventLoop
import Glibc
import Multiprocessing

@main
enum PoolBenchmark {
  static func main() {
    if CommandLine.arguments.dropFirst().first == EchoProcess.role { EchoProcess.run() }
    BenchmarkProgram.main()
  }
}

struct BenchmarkProgram: MultiprocessingProgram {
  static var functions: [any RegisteredFunction] { BenchmarkFunctions.all }

  static func run() async throws {
    let options = Options(CommandLine.arguments.dropFirst())
    var report = Report()
    for row in options.rows {
      switch row {
      case .roundTrip: try await RoundTrip.measure(options, &report)
      case .mapDefault: try await MapRate.measureDefault(options, &report)
      case .mapOne: try await MapRate.measureOneByOne(options, &report)
      case .payload: try await LargePayload.measure(options, &report)
      case .replace: try await Replacement.measure(options, &report)
      case .cores: try await Cores.measure(options, &report)
      }
    }
    print(report.json)
  }
}

/// What is measured, and how much of it.
struct Options {
  enum Row: String, CaseIterable {
    case roundTrip = "round-trip"
    case mapDefault = "map-default"
    case mapOne = "map-one"
    case payload
    case replace
    case cores
  }

  var rows = Row.allCases
  var isQuick = false

  init(_ arguments: some Sequence<String>) {
    let named = arguments.filter { $0 != "--quick" }
    isQuick = arguments.contains("--quick")
    if named.isEmpty { return }
    rows = named.map { name in
      guard let row = Row(rawValue: name) else {
        print("usage: PoolBenchmark [--quick] [\(Row.allCases.map(\.rawValue).joined(separator: "|"))]…")
        exit(EX_USAGE)
      }
      return row
    }
  }

  func scaled(_ count: Int) -> Int { isQuick ? max(1, count / 20) : count }
}

/// Samples by row. All numbers of a row have one unit.
struct Report {
  private var rows: [(name: String, ours: [Double], floor: [Double])] = []

  mutating func add(_ name: String, ours: Double, floor: Double? = nil) {
    let index = rows.firstIndex { $0.name == name } ?? rows.count
    if index == rows.count { rows.append((name, [], [])) }
    rows[index].ours.append(ours)
    if let floor { rows[index].floor.append(floor) }
  }

  var json: String {
    let texts = rows.map { "\"\($0.name)\": {\"ours\": \($0.ours), \"floor\": \($0.floor)}" }
    return "{" + texts.joined(separator: ", ") + "}"
  }
}

/// A measured program that answers wrongly is not worth measuring.
func check(_ holds: Bool, _ what: @autoclosure () -> String) {
  if holds { return }
  let line = Array("WRONG: \(what())\n".utf8)
  // Standard error gone: the exit status says it too.
  _ = write(STDERR_FILENO, line, line.count)
  exit(EXIT_FAILURE)
}

/// Seconds that `body` takes.
func seconds<Value>(_ body: () async throws -> Value) async rethrows -> (Double, Value) {
  let began = MonotonicClock.now
  let value = try await body()
  return (Double(MonotonicClock.now - began) / 1e9, value)
}

extension Array where Element: Comparable {
  var median: Element { sorted()[count / 2] }
}
