/// Writes Prometheus' text format, version 0.0.4: samples of one metric together, after its `HELP` and `TYPE`
/// (https://prometheus.io/docs/instrumenting/exposition_formats/).
struct MetricsPage {
  enum Kind: String {
    case counter, gauge, histogram
  }
  static let mediaType = "text/plain; version=0.0.4; charset=utf-8"

  private(set) var bytes: [UInt8] = []
  private var current = ""
  private var seen: Set<String> = []

  /// Adds a sample. Samples of one metric must be added one after the other.
  mutating func add(
    _ name: String, _ kind: Kind, _ help: String, _ labels: [(String, String)] = [],
    _ value: some CustomStringConvertible
  ) {
    begin(name, kind, help)
    sample(name, labels, value.description)
  }

  /// Adds a histogram.
  ///
  /// - Parameter scale: how many of what was recorded make one of the metric's unit.
  mutating func add(
    _ name: String, _ help: String, _ labels: [(String, String)] = [], _ buckets: Buckets,
    _ total: (counts: [UInt64], sum: UInt64), scale: Double
  ) {
    begin(name, .histogram, help)
    var count: UInt64 = 0
    for (limit, inBucket) in zip(buckets.labels + ["+Inf"], total.counts) {
      count += inBucket
      sample(name + "_bucket", labels + [("le", limit)], "\(count)")
    }
    sample(name + "_sum", labels, scale == 1 ? "\(total.sum)" : "\(Double(total.sum) / scale)")
    sample(name + "_count", labels, "\(count)")
  }

  private mutating func begin(_ name: String, _ kind: Kind, _ help: String) {
    if name == current { return }
    precondition(seen.insert(name).inserted, "samples of one metric are added one after the other")
    current = name
    bytes.append(contentsOf: "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n".utf8)
  }

  private mutating func sample(_ name: String, _ labels: [(String, String)], _ value: String) {
    bytes.append(contentsOf: name.utf8)
    if !labels.isEmpty {
      let list = labels.map { "\($0.0)=\"\(Self.escaped($0.1))\"" }.joined(separator: ",")
      bytes.append(contentsOf: "{\(list)}".utf8)
    }
    bytes.append(contentsOf: " \(value)\n".utf8)
  }

  private static func escaped(_ value: String) -> String {
    value.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
  }
}
