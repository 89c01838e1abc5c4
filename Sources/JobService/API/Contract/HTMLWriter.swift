/// Writes HTML, front to back; whatever text is given is escaped.
struct HTMLWriter {
  private(set) var html = ""

  var bytes: [UInt8] { Array(html.utf8) }

  /// HTML as it is.
  mutating func raw(_ html: StaticString) { self.html += "\(html)" }

  mutating func text(_ text: String) {
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": html += "&amp;"
      case "<": html += "&lt;"
      case ">": html += "&gt;"
      case "\"": html += "&quot;"
      default: html.unicodeScalars.append(scalar)
      }
    }
  }

  /// A sentence in which code stands between backticks.
  mutating func prose(_ prose: String) {
    for (index, part) in prose.split(separator: "`", omittingEmptySubsequences: false).enumerated() {
      if index % 2 == 0 { text(String(part)) } else { element("code") { $0.text(String(part)) } }
    }
  }

  mutating func element(
    _ name: StaticString, _ attributes: [(name: StaticString, value: String)] = [],
    _ content: (inout HTMLWriter) -> Void
  ) {
    html += "<\(name)"
    for attribute in attributes {
      html += " \(attribute.name)=\""
      text(attribute.value)
      html += "\""
    }
    html += ">"
    content(&self)
    html += "</\(name)>"
  }

  mutating func table(_ titles: [String], _ rows: [[String]]) {
    if rows.isEmpty { return }
    element("table") { table in
      table.element("tr") { row in
        for title in titles { row.element("th", [("scope", "col")]) { $0.text(title) } }
      }
      for cells in rows {
        table.element("tr") { row in
          for cell in cells { row.element("td") { $0.prose(cell) } }
        }
      }
    }
  }
}
