import Configuration
import HandlerAPI
import JobModel
import JobStore

extension HandlerRegistry {
  /// The handlers as the configuration wants them. What neither it nor a handler says is the server's default.
  init(types: [any Handler.Type], _ configuration: ServerConfiguration) throws(HandlerRegistrationError) {
    var settings = configuration.handlers
    for type in types {
      var one = settings[type.name] ?? HandlerSettings()
      one.timeout = one.timeout ?? type.timeout ?? configuration.defaultTimeout
      one.memoryLimitBytes = one.memoryLimitBytes ?? configuration.memoryLimitBytes
      one.keyLimit = one.keyLimit ?? type.keyLimit ?? configuration.keyLimit
      settings[type.name] = one
    }
    try self.init(types, settings: settings)
  }

  /// How many jobs with one key may run at once. Those of handlers that are no more do not run at all.
  var keyLimits: KeyLimits {
    var limits: [String: Int] = [:]
    for handler in self { limits[handler.name] = handler.keyLimit ?? 0 }
    return KeyLimits(limits)
  }
}
