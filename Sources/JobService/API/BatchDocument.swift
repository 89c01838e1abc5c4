import HTTPServer
import JobModel
import JobStore
import StrictJSON

/// A batch as clients see it: the JSON of the contract's section "Batches".
enum BatchDocument {
  static func bytes(_ batch: Batch) -> [UInt8] {
    var writer = JSONWriter(reservingBytes: 512)
    write(batch, into: &writer)
    return writer.bytes
  }

  static func write(_ batch: Batch, into writer: inout JSONWriter) {
    let path = path(batch.id)
    writer.beginObject()
    writer.field("id", batch.id.description)
    writer.field("handler", batch.handler)
    writer.field("total", batch.total)
    writer.field("chunk_size", batch.chunkSize)
    writer.object("counts") { counts in
      for state in JobState.allCases {
        counts.key(named: state.rawValue)
        counts.int(batch.counts[state])
      }
    }
    writer.field("done", batch.isDone)
    writer.field("created_at", batch.createdAt)
    writer.field("finished_at", batch.finishedAt)
    writer.object("links") { links in
      links.field("self", path)
      links.field("results", path + "/results")
      links.field("cancel", path + "/cancel")
      links.field("jobs", "/v1/jobs?batch=\(batch.id)")
    }
    writer.endObject()
  }

  static func path(_ id: JobID) -> String { "/v1/batches/\(id)" }

  static func page(_ batches: [Batch], next: JobID?) -> [UInt8] {
    var writer = JSONWriter(reservingBytes: batches.count * 512 + 64)
    writer.beginObject()
    writer.key("batches")
    writer.beginArray()
    for batch in batches { write(batch, into: &writer) }
    writer.endArray()
    writer.field("next_cursor", next?.description)
    writer.endObject()
    return writer.bytes
  }

  /// A line of results, with its end.
  static func line(_ result: BatchResult) -> [UInt8] {
    var writer = JSONWriter(reservingBytes: 256)
    writer.beginObject()
    writer.field("index", result.index)
    writer.field("id", result.id.description)
    writer.field("state", result.state.rawValue)
    writer.key("result")
    var elsewhere: JobResult?
    if let value = result.result {
      if MediaType.isJSON(value.mediaType), case .bytes(let bytes) = value.body {
        // A handler may return JSON of several lines; a line of results is one.
        writer.raw(bytes.contains(UInt8(ascii: "\n")) ? bytes.filter { $0 != 0x0A && $0 != 0x0D } : bytes)
      } else {
        writer.null()
        elsewhere = value
      }
    } else {
      writer.null()
    }
    writer.key("error")
    if let error = result.error { JobDocument.write(error, into: &writer) } else { writer.null() }
    if let elsewhere {
      writer.field("result_type", elsewhere.mediaType)
      writer.field("result_bytes", elsewhere.byteCount)
      writer.field("result_link", JobDocument.path(result.id) + "/result")
    }
    writer.field("cursor", result.cursor)
    writer.endObject()
    return writer.bytes + [UInt8(ascii: "\n")]
  }
}

/// A place in a batch's results.
enum BatchCursor {
  /// Before the first line, in either order: ends are counted from 1, inputs from 0.
  static let start = -1
  /// What a client may name: a line's, and no batch has as many.
  static let range = 0...(1 << 52)

  /// The highest one that a batch can have given out.
  static func last(of batch: Batch, _ order: BatchOrder) -> Int {
    switch order {
    case .completed: batch.ends
    case .submitted: batch.total - 1
    }
  }
}
