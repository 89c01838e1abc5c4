import JobModel

/// What one source says: only the settings that it names, still as text.
public struct ConfigurationLayer: Sendable, Equatable {
  struct Setting: Sendable, Equatable {
    var texts: [String]
    var origin: ConfigurationOrigin
  }
  struct HandlerSetting: Sendable, Equatable {
    var handler: String
    var key: HandlerSettings.Key
    var text: String
    var origin: ConfigurationOrigin
  }
  var settings: [ConfigurationKey: Setting] = [:]
  var handlerSettings: [HandlerSetting] = []

  init() {}

  /// The flags of a command line. A flag that was not given is not in `flags`.
  public init(flags: [ConfigurationKey: [String]]) {
    for (key, texts) in flags { settings[key] = Setting(texts: texts, origin: .flag(key.flag)) }
  }

  /// The variables `MILLRACE_…`. `MILLRACE_LISTEN` and `MILLRACE_HOSTS` take several values, separated by commas.
  public init(environment: [String: String]) {
    for key in ConfigurationKey.allCases {
      guard let text = environment[key.variable] else { continue }
      let texts =
        key.shape == .list ? text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) : [text]
      settings[key] = Setting(texts: texts, origin: .variable(key.variable))
    }
  }
}

extension ServerConfiguration {
  /// Lays `layer` over what was there; every value of it is checked, whether or not a higher layer replaces it later.
  mutating func apply(
    _ layer: ConfigurationLayer, origins: inout [ConfigurationKey: ConfigurationOrigin]
  ) throws(ConfigurationError) {
    // In the order of the keys, so that of two mistakes it is always the same one that is reported.
    for key in ConfigurationKey.allCases {
      guard let setting = layer.settings[key] else { continue }
      do { try set(key, to: setting.texts) } catch {
        throw ConfigurationError(at: setting.origin, error.description)
      }
      origins[key] = setting.origin
    }
    for setting in layer.handlerSettings {
      do { try handlers[setting.handler, default: HandlerSettings()].set(setting.key, to: setting.text) } catch {
        throw ConfigurationError(at: setting.origin, error.description)
      }
    }
  }
}
