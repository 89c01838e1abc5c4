/// A connection between two processes: Python's `Pipe`. Each message is one value, whole.
///
/// ```swift
/// let (receiver, sender) = try Pipe.oneWay(of: Reading.self)
/// let child = try ChildProcess(Functions.measure, sender)
/// sender.close()  // the child has its own now: without this the end would never come
/// while let reading = try receiver.receive() { print(reading) }
/// try child.join()
/// ```
public enum Pipe {
  /// A pipe for messages in one direction. Python's `Pipe(duplex=False)`.
  public static func oneWay<Message: Codable & Sendable>(
    of type: Message.Type = Message.self
  ) throws(MultiprocessingError) -> (receiver: PipeReceiver<Message>, sender: PipeSender<Message>) {
    let ends = try DescriptorPair.sockets()
    return (PipeEnd(SharedFile(ends.first)), PipeEnd(SharedFile(ends.second)))
  }

  /// A pipe for messages in both directions: what one end sends the other receives. Python's `Pipe()`.
  ///
  /// ```swift
  /// let (questions, answers) = try Pipe.twoWays(Int.self, String.self)
  /// let child = try ChildProcess(Functions.answerAll, answers)
  /// answers.close()
  /// try questions.send(7)
  /// let answer = try questions.receive()
  /// ```
  ///
  /// - Parameters:
  ///   - forward: what the first end sends.
  ///   - back: what the second one sends.
  public static func twoWays<Forward: Codable & Sendable, Back: Codable & Sendable>(
    _ forward: Forward.Type = Forward.self, _ back: Back.Type = Back.self
  ) throws(MultiprocessingError) -> (first: PipeEnd<Forward, Back>, second: PipeEnd<Back, Forward>) {
    let ends = try DescriptorPair.sockets()
    return (PipeEnd(SharedFile(ends.first)), PipeEnd(SharedFile(ends.second)))
  }
}

/// The end of a one-way pipe that receives; nothing can be sent on it, because there is no value of type `Never`.
public typealias PipeReceiver<Incoming: Codable & Sendable> = PipeEnd<Never, Incoming>

/// The end of a one-way pipe that sends.
public typealias PipeSender<Outgoing: Codable & Sendable> = PipeEnd<Outgoing, Never>
