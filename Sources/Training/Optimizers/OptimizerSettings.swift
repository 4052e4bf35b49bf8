import Settings

/// An optimizer and its settings, named and preset as in `torch.optim`.
///
/// Files hold one object, the name and beside it the settings: `{"name": "adam", "rate": 0.001}`.
public struct OptimizerSettings: Hashable, CodableSetting {
  /// The learning rate.
  public var rate: Double
  /// What is taken off a weight in a step, relative to the weight: through the gradient, or directly where decoupled.
  public var weightDecay: Double
  /// The optimizer's own settings.
  public var method: any OptimizerMethod

  /// An optimizer; rate and weight decay are PyTorch's where they are not given.
  public init(_ method: any OptimizerMethod, rate: Double? = nil, weightDecay: Double? = nil) {
    self.method = method
    self.rate = rate ?? type(of: method).defaultRate
    self.weightDecay = weightDecay ?? type(of: method).defaultWeightDecay
  }

  /// Adam with PyTorch's defaults.
  public static func adam(rate: Double = 1e-3) -> OptimizerSettings { OptimizerSettings(Adam(), rate: rate) }

  public static func == (left: OptimizerSettings, right: OptimizerSettings) -> Bool {
    left.rate == right.rate && left.weightDecay == right.weightDecay
      && AnyHashable(left.method) == AnyHashable(right.method)
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(rate)
    hasher.combine(weightDecay)
    hasher.combine(AnyHashable(method))
  }

  public init(settingValue value: SettingValue) throws(SettingError) { self = try Optimizers.variants.read(value) }

  public var settingValue: SettingValue { Optimizers.variants.write(self) }
}
