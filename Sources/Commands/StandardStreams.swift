// Results go to standard output, everything else to standard error.

import Glibc

/// The streams of a command, and what they are connected to.
struct StandardStreams {
  let output: Int32
  let errors: Int32
  /// Standard error is a terminal: progress may be drawn there.
  let drawsProgress: Bool
  /// Standard output is a terminal: binary results do not belong there, and JSON deserves a line of its own.
  let showsToPeople: Bool
  let outputPalette: Palette
  let errorPalette: Palette

  /// `NO_COLOR` (no-color.org): set and not empty, whatever it says.
  init(environment: [String: String], output: Int32 = STDOUT_FILENO, errors: Int32 = STDERR_FILENO) {
    let dumb = environment["TERM"] == "dumb"
    let colors = environment["NO_COLOR", default: ""].isEmpty && !dumb
    self.output = output
    self.errors = errors
    showsToPeople = isatty(output) == 1
    drawsProgress = isatty(errors) == 1 && !dumb
    outputPalette = Palette(isOn: colors && showsToPeople)
    errorPalette = Palette(isOn: colors && drawsProgress)
  }

  /// Columns of the terminal on standard error; 80 where it does not say.
  var width: Int {
    var size = winsize()
    guard ioctl(errors, UInt(TIOCGWINSZ), &size) == 0, size.ws_col >= 20 else { return 80 }
    return Int(size.ws_col)
  }

  func result(_ text: String) throws(ClientError) { try result(Array(text.utf8)) }

  func result(_ bytes: [UInt8]) throws(ClientError) { try Self.write(bytes, to: output) }

  /// A message of this program, on standard error and marked with the program's name.
  func note(_ message: String) { complain("millrace: \(message)\n") }

  /// Replaces the line that the terminal's cursor stands in.
  func draw(_ line: String) { complain("\r\u{1b}[K" + line) }

  /// Text for standard error as it is.
  func complain(_ text: String) {
    do { try Self.write(Array(text.utf8), to: errors) } catch {
      // Where even complaining fails there is nobody left to tell; the exit status still says it.
    }
  }

  static func write(_ bytes: [UInt8], to descriptor: Int32) throws(ClientError) {
    // `withUnsafeBytes` forgets the type of what its closure throws.
    let failure: ClientError? = bytes.withUnsafeBytes { buffer in
      do throws(ClientError) { try write(buffer, to: descriptor) } catch { return error }
      return nil
    }
    if let failure { throw failure }
  }

  static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws(ClientError) {
    var written = 0
    while written < bytes.count {
      let count = Glibc.write(descriptor, bytes.baseAddress! + written, bytes.count - written)
      if count >= 0 {
        written += count
      } else if errno != EINTR {
        throw .local("the output cannot be written: \(String(cString: strerror(errno)))")
      }
    }
  }
}

/// Colours for states, or none.
struct Palette {
  let isOn: Bool

  func colored(_ text: String, state: String) -> String {
    guard isOn, let code = Self.codes[state] else { return text }
    return "\u{1b}[\(code)m\(text)\u{1b}[0m"
  }

  private static let codes = ["succeeded": 32, "failed": 31, "cancelled": 33, "running": 36]
}
