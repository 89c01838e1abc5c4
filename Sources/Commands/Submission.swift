// A job as the command line describes it, and the two requests that it can become: a JSON document, or a body with
// everything else in the query.

/// What `millrace submit` was told.
struct Submission: Equatable {
  var handler: String
  var arguments: SubmitArguments
  /// `timeout`, `priority`, … in the order they are sent.
  var options: [Option] = []

  struct Option: Equatable {
    var name: String
    var text: String
    /// The text is JSON already, not a string's content.
    var isJSON = false
  }

  var document: [UInt8] {
    var members = [(name: "handler", json: JSONText.quoted(handler))]
    if let json = arguments.json { members.append((name: "args", json: json)) }
    for option in options {
      members.append((name: option.name, json: option.isJSON ? option.text : JSONText.quoted(option.text)))
    }
    return Array(JSONText.object(members).utf8)
  }

  /// For a submit whose body is the handler's input. Single arguments are typed by the handler's schema, by the server.
  var query: String {
    var query = Query()
    query.append("handler", handler)
    switch arguments {
    case .none: break
    case .json(let text): query.append("args", text)
    case .pairs(let pairs): for pair in pairs { query.append("args.\(pair.name)", pair.text) }
    }
    for option in options { query.append(option.name, option.text) }
    return query.text
  }
}

/// The arguments of a job: one JSON value, or `name=value` words.
enum SubmitArguments: Equatable {
  case none
  case json(String)
  case pairs([Pair])

  struct Pair: Equatable {
    var name: String
    var text: String
  }

  struct Mistake: Error, Equatable {
    let message: String
  }

  init(words: [String]) throws(Mistake) {
    if words.isEmpty {
      self = .none
      return
    }
    if words.count == 1, JSONText.isValue(words[0]) {
      self = .json(words[0])
      return
    }
    var pairs: [Pair] = []
    for word in words {
      guard let equals = word.firstIndex(of: "="), equals != word.startIndex else {
        let hint = words.count == 1 ? "neither JSON nor name=value" : "not name=value"
        throw Mistake(message: "the argument '\(word)' is \(hint)")
      }
      let name = String(word[..<equals])
      guard !pairs.contains(where: { $0.name == name }) else { throw Mistake(message: "'\(name)' is given twice") }
      pairs.append(Pair(name: name, text: String(word[word.index(after: equals)...])))
    }
    self = .pairs(pairs)
  }

  /// The `args` of a document: a value that is JSON is taken as that, any other as a string.
  var json: String? {
    switch self {
    case .none: nil
    case .json(let text): text
    case .pairs(let pairs):
      JSONText.object(
        pairs.map { ($0.name, JSONText.isValue($0.text) ? $0.text : JSONText.quoted($0.text)) })
    }
  }
}
