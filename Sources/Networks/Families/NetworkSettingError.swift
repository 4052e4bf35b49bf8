/// An impossible setting of a network family.
public struct NetworkSettingError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The setting's name in job files, such as `base-channels`.
  public let setting: String
  /// What is wrong and what is allowed, as a sentence.
  public let problem: String

  /// An error at a setting.
  public init(setting: String, problem: String) {
    self.setting = setting
    self.problem = problem
  }

  public var description: String { "network.\(setting): \(problem)" }

  /// Throws unless a network can have so many channels and dimensions.
  static func check(inputChannels: Int, outputChannels: Int, dimensions: Int) throws(NetworkSettingError) {
    guard (1...3).contains(dimensions) else {
      throw NetworkSettingError(
        setting: "dimensions", problem: "images have 1, 2 or 3 spatial axes, not \(dimensions).")
    }
    guard inputChannels > 0 else {
      throw NetworkSettingError(
        setting: "input-channels", problem: "a network reads at least one channel, not \(inputChannels).")
    }
    guard outputChannels > 0 else {
      throw NetworkSettingError(
        setting: "output-channels", problem: "a network gives at least one channel, not \(outputChannels).")
    }
  }

  /// Throws unless this is a rate of dropout, in 0 ..< 1.
  static func check(dropout rate: Double, _ setting: String = "dropout") throws(NetworkSettingError) {
    guard (0..<1).contains(rate) else {
      throw NetworkSettingError(setting: setting, problem: "a dropout rate lies in 0 ..< 1, not at \(rate).")
    }
  }
}
