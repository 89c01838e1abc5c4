import Glibc

/// What Ctrl-C says. A job belongs to the server, not to the command that waits for it: it goes on, and the user is told
/// how to find it again.
enum Interruption {
  // Written once, before the handler is installed, and only read by it: a signal handler may not allocate
  // (signal-safety(7)). The process has one thread that runs commands.
  private nonisolated(unsafe) static var text = UnsafeRawBufferPointer(start: nil, count: 0)

  /// Lets SIGINT say that these jobs go on, and then end this process as it would have without.
  static func tellThatJobsGoOn(_ ids: [String]) {
    tell("the \(ids.count == 1 ? "job goes" : "jobs go") on: millrace wait \(ids.joined(separator: " "))")
  }

  /// Lets SIGINT say this, and then end this process as it would have without.
  static func tell(_ sentence: String) {
    let message = "\nmillrace: interrupted; \(sentence)\n"
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: message.utf8.count, alignment: 1)
    copy.copyBytes(from: message.utf8)
    // Never freed: the signal may come until the process ends.
    text = UnsafeRawBufferPointer(copy)
    signal(SIGINT) { number in
      let saved = errno
      // A message that cannot be written has nobody to read it.
      _ = write(STDERR_FILENO, Interruption.text.baseAddress, Interruption.text.count)
      errno = saved
      // Blocked until this handler returns; then the default action ends the process, and a shell sees why.
      signal(number, SIG_DFL)
      raise(number)
    }
  }
}
