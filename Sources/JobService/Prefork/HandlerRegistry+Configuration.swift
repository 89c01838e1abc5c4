import Configuration
import HandlerAPI
import JobModel

extension HandlerRegistry {
  /// The handlers as the configuration wants them. What neither it nor a handler says is the server's default.
  init(types: [any Handler.Type], _ configuration: ServerConfiguration) throws(HandlerRegistrationError) {
    var settings = configuration.handlers
    for type in types {
      var one = settings[type.name] ?? HandlerSettings()
      one.timeout = one.timeout ?? type.timeout ?? configuration.defaultTimeout
      one.memoryLimitBytes = one.memoryLimitBytes ?? configuration.memoryLimitBytes
      settings[type.name] = one
    }
    try self.init(types, settings: settings)
  }
}
