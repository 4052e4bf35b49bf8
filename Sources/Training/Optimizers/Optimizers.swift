import Settings

/// The optimizers that job files can name.
public enum Optimizers {
  /// One line an optimizer. A program that brings optimizers of its own puts them here while it runs:
  /// `Optimizers.$all.withValue(Optimizers.all + [MyOptimizer.self]) { … }`.
  @TaskLocal public static var all: [any OptimizerMethod.Type] = [
    SGD.self,
    Adam.self,
    AdamW.self,
    RMSprop.self,
    Adagrad.self,
    NAdam.self,
    RAdam.self,
  ]

  /// The optimizers with their rate and weight decay.
  public static var variants: Variants<OptimizerSettings> {
    func variant<Method: OptimizerMethod>(_: Method.Type) -> Variant<OptimizerSettings> {
      Variant(
        name: Method.name, meaning: Method.meaning, defaults: RatedMethod<Method>(),
        { OptimizerSettings($0.method, rate: $0.rate, weightDecay: $0.weightDecay) },
        unwrap: { settings in
          (settings.method as? Method).map {
            RatedMethod(method: $0, rate: settings.rate, weightDecay: settings.weightDecay)
          }
        })
    }
    return Variants(noun: "optimizer", all.map { variant($0) })
  }
}

/// A method's settings with the rate and the weight decay.
private struct RatedMethod<Method: OptimizerMethod>: SettingsSection {
  var method = Method()
  var rate = Method.defaultRate
  var weightDecay = Method.defaultWeightDecay

  init() {}

  init(method: Method, rate: Double, weightDecay: Double) {
    self.method = method
    self.rate = rate
    self.weightDecay = weightDecay
  }

  static var settings: [Setting<Self>] {
    [Setting("rate", \.rate, .number(.above(0, limit: 1e6)), "learning rate")]
      + Method.settings.map { $0.within(\.method) } + [
        Setting(
          "weight-decay", \.weightDecay, .number(.atLeast(0, limit: 1e6)),
          "what is taken off a weight in a step, relative to it")
      ]
  }
}
