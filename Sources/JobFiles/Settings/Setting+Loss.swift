import Settings
import Training

// The losses' settings. Their keys and defaults are those of the losses' own types.

extension SettingDeclaration {
  /// A name, a section with a name and settings, or a list of those, whose weighted sum is the loss.
  static let loss: SettingDeclaration = {
    let one: [Kind] = [.choice(lossName), .variants(losses)]
    return SettingDeclaration(
      "loss", .or(one + [.list(of: .or(one), 1...)]),
      otherwise: "`cross-entropy` for classes, `binary-cross-entropy` for the task binary, `mse` for images",
      "what is made small: a name, a section with a name and settings, or a list of these, each with its `weight` in the sum"
    )
  }()

  private static let lossName = Choice(noun: "loss", words: LossSettings.Name.allCases.map(\.rawValue))

  private static let losses = Variants(
    selector: .value(SettingDeclaration("name", .choice(lossName), "the loss")),
    variants: LossSettings.Name.allCases.map { name in
      let (meaning, settings) = describe(name)
      return Variants.Variant(
        name: name.rawValue, meaning: meaning,
        settings: SettingDeclaration.settings(settings, withDefaultsOf: LossSettings.Choice(name))
          + [SettingDeclaration("weight", .number(.above(0)), default: 1, "factor in a sum of losses")])
    })

  private static let weights = SettingDeclaration(
    "weights", .list(of: .number(.atLeast(0)), 1...), otherwise: "all alike", "a weight for each class or channel")

  private static let balanced = Kind.choice(Choice(noun: "word", words: [LossSettings.balanced]))

  private static let classWeights = SettingDeclaration(
    "weights", .or([balanced, .list(of: .number(.atLeast(0)), 1...)]), otherwise: "all alike",
    "a weight for each class, or `balanced`: the inverse of how often the class occurs in the training part, 1 on average over its "
      + "pixels")

  private static let input = SettingDeclaration(
    "input", .choice(Choice(noun: "input", words: LossInput.allCases.map(\.rawValue))),
    "what the network ends in: logits, or probabilities by a final activation")

  private static func smooth(_ meaning: String = "added to both sides of the quotient") -> SettingDeclaration {
    SettingDeclaration("smooth", .number(.atLeast(0)), meaning)
  }

  private static func describe(_ name: LossSettings.Name) -> (meaning: String, settings: [SettingDeclaration]) {
    switch name {
    case .crossEntropy:
      (
        "−log p of the true class, as `torch.nn.CrossEntropyLoss`",
        [
          classWeights, input,
          SettingDeclaration(
            "smoothing", .number(.atLeast(0, below: 1)), "the part of the target that is spread over all classes"),
        ]
      )
    case .binaryCrossEntropy:
      (
        "cross entropy channel by channel, as `torch.nn.BCEWithLogitsLoss`",
        [
          SettingDeclaration(
            "positive-weight", .or([balanced, .number(.above(0))]),
            "how much the positive part weighs against the negative one; `balanced`: so much that both weigh alike in the "
              + "training part"),
          input,
        ]
      )
    case .dice: ("1 − the Dice coefficient, of probabilities (arXiv 1606.04797)", [smooth(), classWeights, input])
    case .diceBCE:
      (
        "a mean of cross entropy and Dice loss",
        [smooth(), SettingDeclaration("alpha", .number(.from(0...1)), "the part of the cross entropy"), input]
      )
    case .focal:
      (
        "cross entropy times (1 − p)^gamma (Lin et al., arXiv 1708.02002)",
        [
          SettingDeclaration("gamma", .number(.atLeast(0)), "how much less sure pixels count more"), classWeights,
          input,
        ]
      )
    case .focalOfMean:
      (
        "the focal factor on the mean cross entropy, DLSIA's focal loss",
        [
          SettingDeclaration("alpha", .number(.above(0)), "factor"),
          SettingDeclaration("gamma", .number(.atLeast(0)), "exponent"), input,
        ]
      )
    case .tversky, .focalTversky:
      (
        name == .tversky
          ? "1 − the Tversky index (arXiv 1706.05721)" : "a power of 1 − the Tversky index (arXiv 1810.07842)",
        [
          SettingDeclaration("alpha", .number(.atLeast(0)), "how much false positives weigh"),
          SettingDeclaration("beta", .number(.atLeast(0)), "how much false negatives weigh"),
          SettingDeclaration("gamma", .number(.above(0)), "exponent"), smooth(), classWeights, input,
        ]
      )
    case .l1: ("|difference|, as `torch.nn.L1Loss`", [])
    case .mse: ("difference², as `torch.nn.MSELoss`", [])
    case .huber:
      (
        "quadratic near 0, as `torch.nn.HuberLoss`",
        [SettingDeclaration("delta", .number(.above(0)), "where it becomes linear, in scaled units of the target")]
      )
    case .smoothL1:
      (
        "quadratic near 0, as `torch.nn.SmoothL1Loss`",
        [SettingDeclaration("beta", .number(.above(0)), "where it becomes linear, in scaled units of the target")]
      )
    case .quantile:
      (
        "the pinball loss, whose least value is a quantile of the target; networks end in the target's channels once for each "
          + "quantile",
        [
          SettingDeclaration(
            "quantiles", .list(of: .number(.above(0, below: 1)), 1...),
            "the quantiles that are predicted, ascending; the middle one is the prediction's mean, the outer ones are the ends of "
              + "`cqr` intervals"),
          weights,
        ]
      )
    case .totalVariation:
      (
        "the sum of |differences| of neighbouring pixels of the output; as a small part of a sum it smooths",
        [
          SettingDeclaration(
            "of", .choice(Choice(noun: "subject", words: TotalVariation.Subject.allCases.map(\.rawValue))),
            "of which the variation is taken"), weights,
        ]
      )
    }
  }
}
