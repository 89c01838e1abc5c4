import Glibc

/// One item of a queue: a message that fits into a slot, or whose bytes are in a memory file.
struct QueueItem {
  /// In a slot: how it begins. The bytes follow.
  private struct Header {
    var ticket: UInt64
    /// Of the value.
    var byteCount: Int
    var fileCount: UInt32
    /// The value's bytes are in the first of the files, and none follow.
    var isInFile: UInt32
  }

  let ticket: UInt64
  let fileCount: Int
  var files: [SharedFile]
  private let bytes: [UInt8]
  private let byteCount: Int
  private let isInFile: Bool

  init(_ message: Message) throws(MultiprocessingError) {
    ticket = 0
    byteCount = message.bytes.count
    isInFile = byteCount > QueueRing.slotBytes - MemoryLayout<Header>.stride
    bytes = isInFile ? [] : message.bytes
    files = isInFile ? [SharedFile(try SealedMemory.write(message.bytes))] + message.files : message.files
    fileCount = files.count
  }

  /// `nil`: what is there was not written by ``write(to:ticket:)``.
  init?(readingFrom slot: UnsafeMutableRawBufferPointer) {
    let header = slot.load(as: Header.self)
    let rest = slot[MemoryLayout<Header>.stride...]
    guard header.byteCount >= 0, header.isInFile != 0 ? header.fileCount > 0 : header.byteCount <= rest.count,
      header.fileCount <= FrameSocket.mostDescriptors
    else { return nil }
    ticket = header.ticket
    byteCount = header.byteCount
    fileCount = Int(header.fileCount)
    files = []
    isInFile = header.isInFile != 0
    bytes = isInFile ? [] : [UInt8](rest.prefix(byteCount))
  }

  func write(to slot: UnsafeMutableRawBufferPointer, ticket: UInt64) {
    let header = Header(
      ticket: ticket, byteCount: byteCount, fileCount: UInt32(fileCount), isInFile: isInFile ? 1 : 0)
    slot.storeBytes(of: header, as: Header.self)
    UnsafeMutableRawBufferPointer(rebasing: slot[MemoryLayout<Header>.stride...]).copyBytes(from: bytes)
  }

  /// What was put. Reads the memory file, which takes its time: not under the queue's lock.
  func message() throws(MultiprocessingError) -> Message {
    if !isInFile { return Message(bytes: bytes, files: files) }
    return Message(
      bytes: try SealedMemory.read(files[0].descriptor, byteCount: byteCount), files: Array(files.dropFirst()))
  }
}
