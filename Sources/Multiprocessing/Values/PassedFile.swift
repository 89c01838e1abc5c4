import Synchronization

/// An open file inside a `Codable` value: how shared memory, a pipe's end or a queue goes to another process.
///
/// It can be encoded only where a descriptor can travel: in the arguments and results of calls, and in the arguments of child
/// processes. The kernel gives the receiver a descriptor of its own for the same open file (unix(7), `SCM_RIGHTS`).
///
/// ```swift
/// struct Log: Codable, Sendable {
///   var file: PassedFile
///   func write(_ line: String) { … file.file.descriptor … }
/// }
/// ```
public struct PassedFile: Codable, Sendable {
  public let file: SharedFile

  public init(_ file: SharedFile) { self.file = file }

  public func encode(to encoder: any Encoder) throws {
    guard let files = encoder.userInfo[FileList.key] as? FileList else {
      throw EncodingError.invalidValue(
        self,
        EncodingError.Context(
          codingPath: encoder.codingPath,
          debugDescription: "an open file goes only with a call's or a child process's arguments"))
    }
    guard let index = files.index(of: file) else {
      throw EncodingError.invalidValue(
        self,
        EncodingError.Context(
          codingPath: encoder.codingPath,
          debugDescription: "more than \(PoolCall.mostFiles) open files cannot go with one call"))
    }
    var container = encoder.singleValueContainer()
    try container.encode(UInt8(index))
  }

  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let index = Int(try container.decode(UInt8.self))
    guard let files = decoder.userInfo[FileList.key] as? FileList, let file = files[index] else {
      throw DecodingError.dataCorruptedError(in: container, debugDescription: "its open file did not come along")
    }
    self.file = file
  }
}

/// The open files that go along with one value.
final class FileList: Sendable {
  static let key = CodingUserInfoKey(rawValue: "Multiprocessing.files")!  // never nil: the type takes any text

  private let list: Mutex<[SharedFile]>

  init(_ files: [SharedFile] = []) { list = Mutex(files) }

  var files: [SharedFile] { list.withLock { $0 } }

  subscript(index: Int) -> SharedFile? { list.withLock { $0.indices.contains(index) ? $0[index] : nil } }

  /// Where `file` is in the list, put there if it is new; `nil`: no more may go.
  func index(of file: SharedFile) -> Int? {
    list.withLock { files in
      if let known = files.firstIndex(where: { $0 === file }) { return known }
      if files.count == PoolCall.mostFiles { return nil }
      files.append(file)
      return files.count - 1
    }
  }
}
