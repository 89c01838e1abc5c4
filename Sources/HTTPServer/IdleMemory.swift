import Glibc

/// Gives memory that holds nothing back to the system, without freeing it.
///
/// libmicrohttpd clears a connection's memory after each request (MHD_pool_reset), 24 KiB here, and keeps it while the
/// connection is idle. A page of private memory that is all zeros is the same before and after MADV_DONTNEED (madvise(2):
/// the next access finds zeros), so nobody can tell that it was given back; the next request takes it again, page by page.
enum IdleMemory {
  private static let pageBytes = Int(sysconf(Int32(_SC_PAGESIZE)))

  /// Looks at the whole pages in these bytes, which are a part of one live allocation, and gives back those of zeros.
  static func giveBack(_ bytes: UnsafeRawBufferPointer) {
    guard let base = bytes.baseAddress else { return }
    var page = base.alignedUp(toMultipleOf: pageBytes)
    let end = (base + bytes.count).alignedDown(toMultipleOf: pageBytes)
    while page < end {
      var run = 0
      while page + run < end, isZero(page + run) { run += pageBytes }
      // A failure leaves things as they were.
      if run > 0 { madvise(UnsafeMutableRawPointer(mutating: page), run, Int32(MADV_DONTNEED)) }
      page += run + pageBytes
    }
  }

  private static func isZero(_ page: UnsafeRawPointer) -> Bool {
    var found: UInt64 = 0
    for offset in stride(from: 0, to: pageBytes, by: 8) { found |= page.load(fromByteOffset: offset, as: UInt64.self) }
    return found == 0
  }
}
