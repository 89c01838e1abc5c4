// `/reference`: the declarations as a page to read, written once at start. It needs no script and no network; its style is a
// file of the public folder.

import HTTPServer
import HandlerAPI

struct ReferencePage {
  let handlers: HandlerRegistry
  let version: String

  static let mediaType = "text/html; charset=utf-8"
  static let headers = [
    HTTPField(
      "Content-Security-Policy",
      "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    HTTPField("X-Content-Type-Options", "nosniff"), HTTPField("Referrer-Policy", "no-referrer"),
  ]

  private var resources: [Resource] { Contract.resources.filter { !$0.operations.isEmpty } }

  func bytes() -> [UInt8] {
    var page = HTMLWriter()
    page.raw(
      """
      <!doctype html><html lang="en"><head><meta charset="utf-8"><title>Millrace: reference</title>
      <meta name="viewport" content="width=device-width, initial-scale=1"><meta name="color-scheme" content="light dark">
      <link rel="icon" href="/favicon.svg" type="image/svg+xml">
      <link rel="stylesheet" href="/css/style.css"><link rel="stylesheet" href="/css/reference.css"></head>
      <body class="reference"><header class="bar"><h1><a href="/">Millrace</a></h1><p>
      """)
    page.text("HTTP reference, version \(version)")
    page.raw("</p></header><main>")
    page.element("p") { $0.prose(OpenAPIDocument.about) }
    page.element("p") { intro in
      intro.prose("The same for programs, with every schema: ")
      intro.element("a", [("href", "/openapi.json")]) { $0.text("/openapi.json") }
      intro.prose(" (OpenAPI 3.1). Times are RFC 3339; durations are a number and a unit: `ms s m h d`.")
    }
    writeContents(into: &page)
    for tag in Tag.allCases { writeChapter(tag, into: &page) }
    page.raw("</main></body></html>\n")
    return page.bytes
  }

  private func writeContents(into page: inout HTMLWriter) {
    page.element("nav", [("aria-label", "Contents")]) { nav in
      for tag in Tag.allCases {
        nav.element("h2") { $0.text(tag.rawValue) }
        nav.element("ul") { list in
          for resource in resources where resource.tag == tag {
            for (method, operation) in resource.operations {
              list.element("li") { item in
                item.element("a", [("href", "#\(operation.id)")]) { link in
                  link.element("code") { $0.text("\(method.uppercased()) \(resource.template)") }
                }
                item.text(" \(operation.summary)")
              }
            }
          }
        }
      }
    }
  }

  private func writeChapter(_ tag: Tag, into page: inout HTMLWriter) {
    page.element("section") { section in
      section.element("h2") { $0.text(tag.rawValue) }
      section.element("p") { $0.text(tag.summary) }
      for resource in resources where resource.tag == tag {
        for (method, operation) in resource.operations { write(operation, method, resource, into: &section) }
        if resource === Contract.jobs { writeOptions(into: &section) }
        if resource === Contract.handlers { writeHandlers(into: &section) }
      }
    }
  }

  private func write(_ operation: Operation, _ method: String, _ resource: Resource, into page: inout HTMLWriter) {
    page.element("article", [("id", operation.id)]) { article in
      article.element("h3") { title in
        title.element("code") { $0.text("\(method.uppercased()) \(resource.template)") }
      }
      article.element("p") { $0.prose("\(operation.summary). \(operation.details) \(operation.permission)") }
      article.element("pre") { $0.text("curl \(example(operation, method, resource))") }
      let parameters =
        operation.query.filter { !$0.isJobOption }.map {
          ["`\($0.name)\($0.isFamily ? "NAME" : "")`", "query", $0.schema.phrase, $0.meaning]
        }
        + operation.headers.map { ["`\($0.name)`", "header", $0.schema.phrase, $0.meaning] }
      article.table(["Parameter", "In", "Form", "Meaning"], parameters)
      if let sentence = Self.sentence(onOptionsOf: operation) { article.element("p") { $0.prose(sentence) } }
      let replies = DerivedReplies.all(of: operation, resource).map { reply in
        [
          "\(reply.status)", reply.content.map { "`\($0.mediaType)`" } ?? "", reply.meaning,
          reply.headers.map { "`\($0.name)`" }.joined(separator: " "),
        ]
      }
      article.element("details") { details in
        details.element("summary") { summary in
          summary.text("Replies: \(operation.replies.map { "\($0.status)" }.joined(separator: ", ")) and errors")
        }
        details.table(["Status", "Type", "Meaning", "Headers"], replies)
      }
    }
  }

  private func example(_ operation: Operation, _ method: String, _ resource: Resource) -> String {
    if let example = operation.example { return example }
    let path = resource.template.replacing("{id}", with: "ID").replacing("{name}", with: "NAME")
    return (method == "get" ? "" : "-X \(method.uppercased()) ") + "localhost:8080" + path
  }

  /// Which options of a submit an operation takes in its query, and when; `nil`: none.
  static func sentence(onOptionsOf operation: Operation) -> String? {
    let taken = operation.query.filter(\.isJobOption)
    guard let first = taken.first else { return nil }
    let names = Set(taken.map(\.name))
    let others = JobOption.all.map(\.name).filter { !names.contains($0) }
    let exception = others.isEmpty ? "" : ", but for " + others.map { "`\($0)`" }.joined(separator: " and ") + ","
    let condition = first.isConditional ? " beside `handler`" : ""
    return "The options of a submit (see there)\(exception) may stand in the query\(condition)."
  }

  private func writeOptions(into page: inout HTMLWriter) {
    page.element("h3") { $0.text("The options of a submit") }
    page.element("p") { text in
      text.prose("Members of the body beside `handler` and `args`, or query parameters of the same names.")
    }
    page.table(["Option", "Form", "Meaning"], JobOption.all.map { ["`\($0.name)`", $0.schema.phrase, $0.meaning] })
  }

  private func writeHandlers(into page: inout HTMLWriter) {
    page.element("h3") { $0.text("The handlers of this server") }
    let rows = handlers.map { handler in
      [
        "`\(handler.name)`", handler.executor.rawValue, handler.handler.acceptsRawBody ? "a body, or `args`" : "`args`",
        handler.handler.properties.summary,
      ]
    }
    page.table(["Handler", "Executor", "Input", "What it does"], rows)
  }
}
