/// The elements of a region, as values of one type. Whoever uses it holds the region's lock.
struct SharedElements<Element: BitwiseCopyable & Sendable>: Sendable {
  let region: SharedRegion

  /// Room for `count` elements; zeroed, which is not a value of every type: they are to be set first.
  init(_ kind: SharedRegion.Layout.Kind, count: Int) throws(MultiprocessingError) {
    precondition(MemoryLayout<Element>.alignment <= SharedRegion.lockBytes, "no type of Swift is aligned wider")
    region = try SharedRegion(.init(kind, stride: MemoryLayout<Element>.stride, count: count))
  }

  /// What another process made, which must have held elements of this size.
  init(_ kind: SharedRegion.Layout.Kind, _ file: SharedFile) throws(MultiprocessingError) {
    region = try SharedRegion(file) {
      $0 == .init(kind, stride: MemoryLayout<Element>.stride, count: $0.count)
    }
  }

  var count: Int { region.layout.count }

  var all: UnsafeMutableBufferPointer<Element> {
    UnsafeMutableBufferPointer(start: region.elements.assumingMemoryBound(to: Element.self), count: count)
  }

  /// In release builds too, a wrong index must not reach the memory of others.
  subscript(index: Int) -> Element {
    get {
      precondition(index >= 0 && index < count, "index \(index) of shared memory with \(count) elements")
      return all[index]
    }
    nonmutating set {
      precondition(index >= 0 && index < count, "index \(index) of shared memory with \(count) elements")
      all[index] = newValue
    }
  }
}
