import Glibc

/// Zeroed memory that this process and every child forked afterwards see as one: for tables that acceptors share.
///
/// Map it before the first fork; a region mapped later exists in the later children only. It is never unmapped: it
/// lives as long as the processes that see it, which keeps every pointer into it valid.
///
/// Between processes only lock-free atomics are sound in it. `Synchronization.Atomic` is: it stores its value in place
/// (`@_rawLayout`), its operations are the processor's own on that address without any lock beside it, and such
/// operations are address-free, so they are atomic between mappings of two processes too (C++20 [atomics.lockfree],
/// paragraph 4). `pointee` of an `UnsafeMutablePointer` to it borrows in place and makes no copy, as the type is not
/// copyable.
public struct SharedMemory: @unchecked Sendable {
  // @unchecked: the pointer is a constant; what is put at it must be atomic, as said above.

  /// At the start of a page.
  public let base: UnsafeMutableRawPointer
  public let byteCount: Int

  /// Maps at least `bytes` bytes: whole pages, zeroed, MAP_SHARED and anonymous (mmap(2)).
  public static func map(bytes: Int) throws(PreforkError) -> SharedMemory {
    precondition(bytes > 0, "a shared region has at least one byte")
    let page = sysconf(Int32(_SC_PAGESIZE))
    let rounded = (bytes + page - 1) / page * page
    let base = mmap(nil, rounded, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
    guard let base, base != MAP_FAILED else { throw .system(operation: "map shared memory", code: errno) }
    return SharedMemory(base: base, byteCount: rounded)
  }
}
