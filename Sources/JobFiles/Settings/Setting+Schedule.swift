import Settings
import Training

// The schedules of the learning rate, and what else is done with gradients and weights. Keys and defaults are those of
// `RateSchedule` and `TrainingRecipe`.

extension SettingDeclaration {
  static let schedule = Variants(
    selector: .value(
      SettingDeclaration(
        "name", .choice(Choice(noun: "schedule", words: RateSchedule.Name.allCases.map(\.rawValue))),
        default: .text(RateSchedule.Name.constant.rawValue), "the schedule")),
    variants: RateSchedule.Name.allCases.map { name in
      let (meaning, settings) = describe(name)
      return Variants.Variant(name: name.rawValue, meaning: meaning, settings: settings + common)
    })

  private static let common = [
    SettingDeclaration(
      "per", .choice(Choice(noun: "unit of time", words: RateSchedule.Unit.allCases.map(\.rawValue))), default: "epoch",
      "what the schedule counts, its warm-up and lengths too"),
    SettingDeclaration(
      "warm-up", .integer(0...), default: 0, "epochs or steps of linear rise before the schedule begins"),
    SettingDeclaration(
      "warm-up-start", .number(.from(0...1)), default: 0.1, "the part of the rate that the warm-up begins with"),
  ]

  private static func describe(_ name: RateSchedule.Name) -> (meaning: String, settings: [SettingDeclaration]) {
    switch name {
    case .constant: ("the rate stays", [])
    case .step:
      (
        "the rate falls at regular times",
        [SettingDeclaration("size", .integer(1...), "epochs or steps between two falls"), gamma(default: 0.1)]
      )
    case .multistep:
      (
        "the rate falls at given times",
        [
          SettingDeclaration("milestones", .list(of: .integer(1...), 1...), "epochs or steps at which it falls"),
          gamma(default: 0.1),
        ]
      )
    case .exponential:
      ("the rate falls every time", [SettingDeclaration("gamma", .number(.above(0)), "what it is multiplied by")])
    case .cosine: ("the rate falls along half a cosine", [length, minimum])
    case .cosineWarmRestarts:
      (
        "the rate falls along half a cosine, again and again (Loshchilov and Hutter, arXiv 1608.03983)",
        [
          SettingDeclaration("first", .integer(1...), "epochs or steps of the first fall"),
          SettingDeclaration("factor", .integer(1...1000), default: 1, "length of a fall over that of the one before"),
          minimum,
        ]
      )
    case .oneCycle:
      (
        "the rate rises to `maximum` and falls, along cosines, whatever the optimizer's rate (Smith and Topin, arXiv "
          + "1708.07120)",
        [
          SettingDeclaration("maximum", .number(.above(0)), "the largest rate"), length,
          SettingDeclaration(
            "rise", .number(.above(0, below: 1)), default: 0.3, "the part of the length in which it rises"),
          SettingDeclaration("divisor", .number(.above(0)), default: 25, "largest over first rate"),
          SettingDeclaration("final-divisor", .number(.above(0)), default: 10000, "first over last rate"),
        ]
      )
    case .linear:
      (
        "the rate goes along a line, then stays",
        [
          SettingDeclaration("start", .number(.from(0...1)), default: .number(1.0 / 3), "the part that it begins with"),
          SettingDeclaration("end", .number(.from(0...1)), default: 1, "the part that it ends with"), length,
        ]
      )
    case .polynomial:
      (
        "the rate falls to 0 along a power of the time that is left",
        [SettingDeclaration("power", .number(.above(0)), default: 1, "the power; 1 is a line"), length]
      )
    case .plateau:
      (
        "the rate falls when the validation loss (or training loss, where nothing validates) does not any more",
        [
          SettingDeclaration("factor", .number(.above(0, below: 1)), default: 0.1, "what it is multiplied by"),
          SettingDeclaration(
            "patience", .integer(0...), default: 10, "epochs without an improvement that are let pass"),
          SettingDeclaration(
            "threshold", .number(.atLeast(0, below: 1)), default: 1e-4, "the part that an improvement must be more than"
          ),
          SettingDeclaration("cooldown", .integer(0...), default: 0, "epochs after a fall that do not count"), minimum,
        ]
      )
    }
  }

  private static let length = SettingDeclaration(
    "length", .integer(1...), otherwise: "what is left of the training", "epochs or steps until the end of the schedule"
  )
  private static let minimum = SettingDeclaration("minimum", .number(.atLeast(0)), default: 0, "the smallest rate")
  private static func gamma(default value: SettingValue) -> SettingDeclaration {
    SettingDeclaration("gamma", .number(.above(0)), default: value, "what it is multiplied by")
  }

  /// What else of a `TrainingRecipe` a job can say.
  static let recipe = [
    SettingDeclaration(
      "clip",
      defaults: [
        SettingDeclaration(
          "norm", .number(.above(0)), otherwise: "no limit",
          "the largest Euclidean norm of all derivatives; above it they are scaled"),
        SettingDeclaration("value", .number(.above(0)), otherwise: "no limit", "the largest size of a derivative"),
      ], "limits of gradients before a step"),
    SettingDeclaration(
      "accumulate", .integer(1...65_536), default: 1,
      "batches whose gradients make up one step, for batches that do not fit in memory"),
    SettingDeclaration(
      "average",
      .section([
        SettingDeclaration("decay", .number(.from(0...1)), default: 0.999, "what remains of the average in a step"),
        SettingDeclaration(
          "warm-up", .boolean, default: true,
          "whether the decay is at most (1 + steps) / (10 + steps), so that the first weights are soon forgotten"),
      ]), otherwise: "the weights after the last step", "a moving average of the weights, to predict with"),
    SettingDeclaration(
      "early-stopping",
      .section([
        SettingDeclaration(
          "patience", .integer(1...), default: 10, "epochs without an improvement after which training stops"),
        SettingDeclaration(
          "threshold", .number(.atLeast(0)), default: 0, "what the loss must fall by to be an improvement"),
      ]), otherwise: "all epochs are trained",
      "stops when the validation loss (or training loss, where nothing validates) falls no more"),
    SettingDeclaration(
      "keep", .choice(Choice(noun: "epoch", words: TrainingRecipe.Keep.allCases.map(\.rawValue))), default: "last",
      "which epoch's weights are kept: the `last`, or the `best` by the loss that early stopping looks at"),
    SettingDeclaration(
      "checkpoint", .number(.atLeast(0)), default: 5,
      "minutes after which a member's training is saved at the end of an epoch, so that a run that was cut short goes on "
        + "from there; 0: after every epoch"),
  ]
}
