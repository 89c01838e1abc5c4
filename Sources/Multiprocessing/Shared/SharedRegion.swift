import CLinux
import Glibc

/// Memory that several processes see as one: a memory file of a size that nobody can change any more, mapped for as long as
/// this object lives. The kernel frees it with the last descriptor and mapping, so nothing is left behind by a process that
/// is killed.
///
/// It begins with a header that tells a process that got it what it is: see ``Layout``.
final class SharedRegion: @unchecked Sendable {
  // @unchecked: the pointer and the size are constants; what is in the memory is guarded by who laid it out.
  let file: SharedFile
  let base: UnsafeMutableRawPointer
  let layout: Layout

  /// What a region holds. Both sides must agree in all of it before one touches what the other wrote.
  struct Layout: Equatable {
    enum Kind: UInt32 {
      /// Not zero: an empty file is nothing of ours.
      case lock = 0x6c6f_636b
      case value = 0x7661_6c75
      case array = 0x6172_7279
      case queue = 0x7175_6575
    }
    var kind: UInt32
    /// Bytes from one element to the next.
    var stride: Int
    var count: Int

    init(_ kind: Kind, stride: Int = 0, count: Int = 0) {
      self.kind = kind.rawValue
      self.stride = stride
      self.count = count
    }
  }

  /// Where what follows the header begins: a cache line after it.
  static let headerBytes = 64
  /// Room for a lock, in every region right behind the header.
  static let lockBytes = 64
  /// Where the elements begin; aligned for any of them.
  static let elementsOffset = headerBytes + lockBytes

  /// Makes zeroed memory with room for the layout's elements.
  init(_ layout: Layout) throws(MultiprocessingError) {
    let byteCount = try Self.byteCount(layout)
    let number = linux_memfd_create("millrace-shared")
    if number < 0 { throw MultiprocessingError("memfd_create") }
    file = SharedFile(owning: number)
    if ftruncate(number, off_t(byteCount)) != 0 {
      throw MultiprocessingError("making \(byteCount) bytes of shared memory")
    }
    if linux_memfd_seal_size(number) != 0 { throw MultiprocessingError("sealing the size of shared memory") }
    base = try Self.map(file, byteCount)
    self.layout = layout
    base.storeBytes(of: layout, as: Layout.self)
  }

  /// Maps what another process made.
  ///
  /// - Parameter agrees: whether what is found there is what this process wants.
  init(_ file: SharedFile, where agrees: (Layout) -> Bool) throws(MultiprocessingError) {
    guard linux_memfd_has_fixed_size(file.descriptor) != 0 else {
      throw MultiprocessingError("the file that came is no shared memory of ours", code: 0)
    }
    var status = stat()
    if fstat(file.descriptor, &status) != 0 { throw MultiprocessingError("fstat of shared memory") }
    guard status.st_size >= Self.elementsOffset else {
      throw MultiprocessingError("the shared memory that came is too small", code: 0)
    }
    let base = try Self.map(file, Int(status.st_size))
    let layout = base.load(as: Layout.self)
    guard agrees(layout), (try? Self.byteCount(layout)) == Int(status.st_size) else {
      munmap(base, Int(status.st_size))
      throw MultiprocessingError("the shared memory that came holds something else", code: 0)
    }
    self.file = file
    self.base = base
    self.layout = layout
  }

  deinit {
    // It fitted when it was mapped.
    if let byteCount = try? Self.byteCount(layout) { munmap(base, byteCount) }
  }

  /// The memory behind header and lock.
  var elements: UnsafeMutableRawPointer { base + Self.elementsOffset }

  private static func byteCount(_ layout: Layout) throws(MultiprocessingError) -> Int {
    let (elements, overflow) = layout.stride.multipliedReportingOverflow(by: layout.count)
    // Far beyond any memory, and far from the end of Int.
    guard !overflow, elements >= 0, elements < 1 << 46 else {
      throw MultiprocessingError("\(layout.count) elements are more than memory can hold", code: 0)
    }
    return elementsOffset + elements
  }

  private static func map(_ file: SharedFile, _ byteCount: Int) throws(MultiprocessingError) -> UnsafeMutableRawPointer
  {
    let base = mmap(nil, byteCount, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor, 0)
    guard let base, base != MAP_FAILED else { throw MultiprocessingError("mapping \(byteCount) bytes") }
    return base
  }
}
