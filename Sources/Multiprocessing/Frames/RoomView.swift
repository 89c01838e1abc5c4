import Glibc
import Synchronization

/// A room as its reader sees it: mapped when somebody looks into it first, and then as long as anybody has the view.
///
/// To map and unmap 64 MB takes the kernel longer than to copy them, 4 KiB page by page; so the payloads that follow in one
/// room are read where the first was. What is seen is what the room's maker has put there last: it waits for that until
/// whoever got the payload before has let go of it (see ``RoomLoan``).
final class RoomView: @unchecked Sendable {
  // @unchecked: the pointer is to memory that is only read, and mapped until the object ends.
  /// Given by the room's maker, and to no other room of that maker's.
  let number: UInt64
  private let mapped = Mutex(Mapped())

  private struct Mapped: @unchecked Sendable {
    // @unchecked: see above.
    var bytes: UnsafeRawBufferPointer?
  }

  init(_ number: UInt64) { self.number = number }

  deinit {
    if let bytes = mapped.withLock({ $0.bytes }) { SealedMemory.unmap(bytes) }
  }

  /// The first bytes of the room, which `descriptor` is open on. `nil`: it is not sealed, or not so long; its maker, which is
  /// a worker that may have gone mad, said something else of its size when it was mapped.
  func contents(of descriptor: Int32, byteCount: Int) -> UnsafeRawBufferPointer? {
    mapped.withLock { mapped in
      if mapped.bytes == nil { mapped.bytes = SealedMemory.map(descriptor, byteCount: byteCount) }
      guard let bytes = mapped.bytes, byteCount > 0, byteCount <= bytes.count else { return nil }
      return UnsafeRawBufferPointer(rebasing: bytes[..<byteCount])
    }
  }

  /// Resident in this process.
  var mappedBytes: Int { mapped.withLock { $0.bytes?.count ?? 0 } }
}
