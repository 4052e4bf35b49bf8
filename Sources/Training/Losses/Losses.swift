import Settings

/// The losses that job files can name.
public enum Losses {
  /// One line a loss. A program that brings losses of its own puts them here while it runs:
  /// `Losses.$all.withValue(Losses.all + [MyLoss.self]) { … }`.
  @TaskLocal public static var all: [any NamedLoss.Type] = [
    CrossEntropy.self,
    BinaryCrossEntropy.self,
    DiceLoss.self,
    DiceBCELoss.self,
    FocalLoss.self,
    FocalOfMeanLoss.self,
    TverskyLoss.self,
    FocalTverskyLoss.self,
    L1Loss.self,
    MeanSquaredError.self,
    HuberLoss.self,
    SmoothL1Loss.self,
    QuantileLoss.self,
    TotalVariation.self,
  ]

  /// The losses as terms of a sum, each with its `weight`.
  static var terms: Variants<LossSettings.Term> {
    func term<Named: NamedLoss>(_: Named.Type) -> Variant<LossSettings.Term> {
      Variant(
        name: Named.name, meaning: Named.meaning, defaults: TermSettings<Named>(),
        { LossSettings.Term($0.loss, weight: $0.weight) },
        unwrap: { term in (term.loss as? Named).map { TermSettings(loss: $0, weight: term.weight) } })
    }
    return Variants(noun: "loss", all.map { term($0) })
  }
}

/// A loss's settings with its weight in a sum.
private struct TermSettings<Named: NamedLoss>: SettingsSection {
  var loss = Named()
  var weight = 1.0

  init() {}

  init(loss: Named, weight: Double) {
    self.loss = loss
    self.weight = weight
  }

  static var settings: [Setting<Self>] {
    Named.settings.map { $0.within(\.loss) }
      + [Setting("weight", \.weight, .number(.above(0, limit: 1e9)), "factor in a sum of losses")]
  }
}
