// How shared memory goes to another process: its file goes along, and the receiver maps it. Anywhere else than in an argument,
// a result or a message these throw (see `PassedFile`).

extension SharedLock: Codable {
  public func encode(to encoder: any Encoder) throws { try PassedFile(region.file).encode(to: encoder) }

  public convenience init(from decoder: any Decoder) throws {
    // Also the lock of a value or an array by itself: it is at the same place in every region.
    self.init(in: try SharedRegion(PassedFile(from: decoder).file) { _ in true })
  }
}

extension SharedValue: Codable {
  public func encode(to encoder: any Encoder) throws { try PassedFile(file).encode(to: encoder) }

  public convenience init(from decoder: any Decoder) throws { try self.init(PassedFile(from: decoder).file) }
}

extension SharedArray: Codable {
  public func encode(to encoder: any Encoder) throws { try PassedFile(file).encode(to: encoder) }

  public convenience init(from decoder: any Decoder) throws { try self.init(PassedFile(from: decoder).file) }
}
