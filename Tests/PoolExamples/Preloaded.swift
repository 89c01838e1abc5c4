import Synchronization

/// What the preload scenario loads for all workers.
enum Preloaded {
  static let table = Mutex<[UInt8]>([])
}
