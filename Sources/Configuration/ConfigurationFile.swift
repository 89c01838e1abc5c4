// The YAML file:
//
//   listen: ["127.0.0.1:8080", "unix:/run/millrace.sock"]
//   workers: 8
//   max_queued: 20000
//   handlers:
//     mandelbrot: { executor: process, timeout: 30s, memory_limit: 512MiB, max_attempts: 2 }
//
// Every mistake is named with the line and the dotted path of the key that it stands under.

import Glibc
import JobModel
import Yams

/// Reads one configuration file into a layer.
struct ConfigurationFile {
  /// As it was given; only shown.
  let path: String
  /// The handlers that `handlers:` may speak of.
  let handlerNames: Set<String>

  /// More than any configuration needs, and little enough to hold.
  static let limitBytes = 1 << 20

  func read() throws(ConfigurationError) -> ConfigurationLayer {
    let bytes: [UInt8]
    do { bytes = try FileText.read(path, limitBytes: Self.limitBytes) } catch {
      throw ConfigurationError(.unreadable, "\(printable(path)): cannot be read: \(error)")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw ConfigurationError(.invalid, "\(printable(path)): is not UTF-8 text")
    }
    return try layer(of: text)
  }

  func layer(of text: String) throws(ConfigurationError) -> ConfigurationLayer {
    var layer = ConfigurationLayer()
    guard let root = try compose(text) else { return layer }
    // A file of comments only.
    if let scalar = root.scalar, scalar.style == .plain, scalar.string.isEmpty { return layer }
    guard let mapping = root.mapping else {
      throw failure(root, "settings", "must be a mapping, such as 'workers: 4'")
    }
    for (keyNode, value) in mapping {
      let name = try name(of: keyNode, below: "")
      let origin = origin(keyNode, name)
      if name == "handlers" {
        layer.handlerSettings = try handlerSettings(value, at: origin)
      } else if let key = ConfigurationKey(rawValue: name) {
        layer.settings[key] = .init(texts: try texts(value, key.shape, at: origin), origin: origin)
      } else {
        throw ConfigurationError(at: origin, "is not a setting")
      }
    }
    return layer
  }

  private func handlerSettings(
    _ node: Node, at origin: ConfigurationOrigin
  ) throws(ConfigurationError) -> [ConfigurationLayer.HandlerSetting] {
    guard let handlers = node.mapping else { throw ConfigurationError(at: origin, "must be a mapping of handlers") }
    var settings: [ConfigurationLayer.HandlerSetting] = []
    for (handlerNode, options) in handlers {
      let handler = try name(of: handlerNode, below: "handlers.")
      let place = self.origin(handlerNode, "handlers.\(handler)")
      guard handlerNames.contains(handler) else {
        throw ConfigurationError(at: place, "is not a handler of this server")
      }
      guard let options = options.mapping else {
        throw ConfigurationError(at: place, "must be a mapping, such as { timeout: 30s }")
      }
      for (optionNode, value) in options {
        let option = try name(of: optionNode, below: "handlers.\(handler).")
        let place = self.origin(optionNode, "handlers.\(handler).\(option)")
        guard let key = HandlerSettings.Key(rawValue: option) else {
          throw ConfigurationError(at: place, "is not a setting of a handler")
        }
        let text = try texts(value, key.shape, at: place)[0]
        settings.append(.init(handler: handler, key: key, text: text, origin: place))
      }
    }
    return settings
  }

  /// The scalar texts of a value, of the shape that its key takes. One, but for lists.
  private func texts(
    _ node: Node, _ shape: ConfigurationKey.Shape, at origin: ConfigurationOrigin
  ) throws(ConfigurationError) -> [String] {
    if shape == .list, let sequence = node.sequence {
      var texts: [String] = []
      for item in sequence { texts += try self.texts(item, .text, at: origin) }
      return texts
    }
    guard let scalar = node.scalar else {
      throw ConfigurationError(at: origin, "must be a single value\(shape == .list ? " or a list of them" : "")")
    }
    let isPlain = scalar.style == .plain
    if isPlain && ["", "~", "null"].contains(scalar.string) { throw ConfigurationError(at: origin, "has no value") }
    if shape == .plainWord && !isPlain {
      throw ConfigurationError(at: origin, "must be a number or a truth value, not text in quotes")
    }
    if shape != .plainWord && isPlain && ["true", "false"].contains(scalar.string) {
      throw ConfigurationError(at: origin, "must be text, not a truth value")
    }
    return [scalar.string]
  }

  private func name(of key: Node, below parent: String) throws(ConfigurationError) -> String {
    guard let name = key.scalar?.string, !name.isEmpty else {
      throw failure(key, "\(parent)?", "must be the name of a setting")
    }
    return printable(name)
  }

  private func origin(_ node: Node, _ key: String) -> ConfigurationOrigin {
    .file(path: path, line: node.mark?.line ?? 1, key: key)
  }

  private func failure(_ node: Node, _ key: String, _ problem: String) -> ConfigurationError {
    ConfigurationError(at: origin(node, key), problem)
  }

  private func compose(_ text: String) throws(ConfigurationError) -> Node? {
    do {
      // Named, because the parser's default would ask the environment.
      return try Parser(yaml: text, encoding: .utf8).singleRoot()
    } catch let error as YamlError {
      throw failure(error)
    } catch {
      throw ConfigurationError(.invalid, "\(printable(path)): is not YAML: \(printable("\(error)"))")
    }
  }

  private func failure(_ error: YamlError) -> ConfigurationError {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      ConfigurationError(.invalid, "\(printable(path)):\(mark.line): is not YAML: \(problem)")
    case .reader(let problem, let offset, _, let text):
      ConfigurationError(.invalid, "\(printable(path)):\(line(offset, text)): is not YAML: \(problem)")
    case .duplicatedKeysInMapping(let duplicates, let context):
      ConfigurationError(
        .invalid, "\(printable(path)):\(context.mark.line): \(printable(duplicates.first ?? "?")): is given twice")
    case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
      ConfigurationError(.invalid, "\(printable(path)): is not YAML: \(printable("\(error)"))")
    }
  }

  /// The line of the character at `offset`, counted from 1.
  private func line(_ offset: Int?, _ text: String) -> Int {
    1 + text.prefix(offset ?? 0).count(where: \.isNewline)
  }
}
