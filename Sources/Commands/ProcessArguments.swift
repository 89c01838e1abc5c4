import Glibc

/// The words that this process was started with, as everybody can read them in /proc (proc_pid_cmdline(5)).
enum ProcessArguments {
  /// Overwrites the token of `--token TOKEN` and `--token=TOKEN` there. Who looked before has seen it: the variable and the
  /// file are the better ways.
  static func hideToken() {
    for index in 1..<max(1, Int(CommandLine.argc)) {
      guard let word = CommandLine.unsafeArgv[index] else { continue }
      if strcmp(word, "--token") == 0, let token = CommandLine.unsafeArgv[index + 1] {
        overwrite(token)
      } else if strncmp(word, "--token=", 8) == 0 {
        overwrite(word + 8)
      }
    }
  }

  private static func overwrite(_ text: UnsafeMutablePointer<CChar>) {
    memset(text, Int32(UInt8(ascii: "*")), strlen(text))
  }
}
