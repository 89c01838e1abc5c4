import Configuration

/// Rows of text in aligned columns.
struct TextTable {
  let columns: [String]
  private(set) var rows: [[String]] = []

  init(columns: [String]) { self.columns = columns }

  /// - Parameter cells: one for each column; what could disturb a terminal is taken out.
  mutating func append(_ cells: [String]) {
    precondition(cells.count == columns.count, "a row has a cell for each column")
    rows.append(cells.map { printable($0, limit: 200) })
  }

  /// Lines of the head and the rows, two spaces between columns, none at the end. `style` gets a column's name and a
  /// padded cell, and may colour it.
  func rendered(style: (_ column: String, _ cell: String) -> String = { $1 }) -> String {
    let widths = columns.indices.map { column in
      ([columns] + rows).map { $0[column].count }.max() ?? 0
    }
    var text = ""
    for (index, row) in ([columns] + rows).enumerated() {
      let last = row.lastIndex { !$0.isEmpty } ?? 0
      for column in 0...last {
        let padding = String(repeating: " ", count: column == last ? 0 : widths[column] - row[column].count + 2)
        text += (index == 0 ? row[column] : style(columns[column], row[column])) + padding
      }
      text += "\n"
    }
    return text
  }
}
