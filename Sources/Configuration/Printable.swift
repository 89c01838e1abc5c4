/// `text` fit for one line on a terminal: without control characters, and not longer than `limit` characters. What comes
/// from files, variables and servers may hold anything, and is shown.
package func printable(_ text: String, limit: Int = 80) -> String {
  var shown = ""
  for (index, scalar) in text.unicodeScalars.enumerated() {
    if index == limit { return shown + "…" }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: shown += "?"
    default: shown.unicodeScalars.append(scalar)
    }
  }
  return shown
}
