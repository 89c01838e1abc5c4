import Glibc

/// Finds the resource that a path names: a tree of the segments of all templates.
struct Router: Sendable {
  /// An index in ``Contract/resources``, and where the segment in braces stands in the path (empty without one).
  struct Match: Sendable, Equatable {
    let resource: Int
    let parameter: Range<Int>
  }

  private final class Node: Sendable {
    let resource: Int?
    let segments: [(bytes: [UInt8], node: Node)]
    let parameter: Node?

    init(resource: Int?, segments: [(bytes: [UInt8], node: Node)], parameter: Node?) {
      self.resource = resource
      self.segments = segments
      self.parameter = parameter
    }
  }

  private let root: Node

  init(_ templates: [String]) {
    let paths = templates.enumerated().map { index, template in
      (index, template.dropFirst().split(separator: "/", omittingEmptySubsequences: false)[...])
    }
    root = Self.node(paths)
  }

  private typealias Path = (resource: Int, rest: ArraySlice<Substring>)

  private static func node(_ paths: [Path]) -> Node {
    var names: [Substring] = []
    for path in paths {
      if let name = path.rest.first, !names.contains(name) { names.append(name) }
    }
    func below(_ name: Substring) -> Node {
      node(paths.filter { $0.rest.first == name }.map { ($0.resource, $0.rest.dropFirst()) })
    }
    let parameters = names.filter { $0.hasPrefix("{") }
    precondition(parameters.count <= 1, "two templates differ in the name of a parameter only: \(parameters)")
    return Node(
      resource: paths.first { $0.rest.isEmpty }?.resource,
      segments: names.filter { !$0.hasPrefix("{") }.map { (Array($0.utf8), below($0)) },
      parameter: parameters.first.map(below))
  }

  /// - Parameter path: percent-decoded, beginning with `/`.
  func match(_ path: [UInt8]) -> Match? { path.withUnsafeBufferPointer(match) }

  private func match(_ path: UnsafeBufferPointer<UInt8>) -> Match? {
    var node = root
    var parameter = 0..<0
    var start = 1
    while start <= path.count {
      var end = start
      while end < path.count, path[end] != UInt8(ascii: "/") { end += 1 }
      let segment = UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: path[start..<end]))
      if let next = node.segments.first(where: { Self.isEqual($0.bytes, segment) }) {
        node = next.node
      } else if let next = node.parameter, !segment.isEmpty {
        node = next
        parameter = start..<end
      } else {
        return nil
      }
      if end == path.count { return node.resource.map { Match(resource: $0, parameter: parameter) } }
      start = end + 1
    }
    return nil
  }

  private static func isEqual(_ name: [UInt8], _ segment: UnsafeRawBufferPointer) -> Bool {
    guard name.count == segment.count, let start = segment.baseAddress else { return false }
    // Templates have no empty segment.
    return name.withUnsafeBytes { memcmp($0.baseAddress!, start, name.count) == 0 }
  }
}
