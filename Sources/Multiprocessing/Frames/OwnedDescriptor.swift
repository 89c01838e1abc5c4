import CLinux
import Glibc

/// A descriptor with one owner, closed when its owner lets it go.
public struct OwnedDescriptor: ~Copyable, Sendable {
  public let number: Int32

  /// Takes over `number`, which must be open.
  public init(owning number: Int32) {
    precondition(number >= 0, "a descriptor's owner was given none")
    self.number = number
  }

  deinit { close(number) }

  /// Gives the descriptor away: the caller closes it.
  public consuming func release() -> Int32 {
    let number = number
    discard self
    return number
  }
}

/// A file that several may hold; closed when the last lets it go.
public final class SharedFile: Sendable {
  public let descriptor: Int32
  /// What closes the descriptor, if this does not, and hears of this file's end by its own.
  let keeper: (any AnyObject & Sendable)?

  /// Takes over `descriptor`, which must be open.
  public init(owning descriptor: Int32) {
    precondition(descriptor >= 0, "a file's owner was given none")
    self.descriptor = descriptor
    keeper = nil
  }

  /// A file that somebody else keeps open, at least as long as `keeper` lives.
  init(_ descriptor: Int32, keptBy keeper: any AnyObject & Sendable) {
    self.descriptor = descriptor
    self.keeper = keeper
  }

  public convenience init(_ descriptor: consuming OwnedDescriptor) { self.init(owning: descriptor.release()) }

  deinit {
    if keeper == nil { close(descriptor) }
  }
}

/// The two ends of something made in one call. All are close-on-exec.
struct DescriptorPair: ~Copyable {
  var first: OwnedDescriptor
  var second: OwnedDescriptor

  /// A connected pair of Unix sockets that keep message boundaries and report end-of-file (unix(7), SOCK_SEQPACKET).
  static func sockets() throws(MultiprocessingError) -> DescriptorPair {
    var ends: [Int32] = [-1, -1]
    let type = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    if socketpair(AF_UNIX, type, 0, &ends) != 0 { throw MultiprocessingError("socketpair") }
    return DescriptorPair(first: OwnedDescriptor(owning: ends[0]), second: OwnedDescriptor(owning: ends[1]))
  }

  /// A pipe: the first end is read, and never blocks; the second is written.
  static func pipe() throws(MultiprocessingError) -> DescriptorPair {
    var ends: [Int32] = [-1, -1]
    if linux_pipe(&ends) != 0 { throw MultiprocessingError("pipe") }
    let pair = DescriptorPair(first: OwnedDescriptor(owning: ends[0]), second: OwnedDescriptor(owning: ends[1]))
    if linux_set_nonblocking(pair.first.number, 1) != 0 { throw MultiprocessingError("fcntl(O_NONBLOCK)") }
    return pair
  }

  init(first: consuming OwnedDescriptor, second: consuming OwnedDescriptor) {
    self.first = first
    self.second = second
  }
}
