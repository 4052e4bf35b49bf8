import Settings
import Training

// The optimizers' settings. Their keys and defaults are those of `OptimizerSettings`.

extension SettingDeclaration {
  static let optimizer = Variants(
    selector: .value(
      SettingDeclaration(
        "name", .choice(Choice(noun: "optimizer", words: OptimizerSettings.Name.allCases.map(\.rawValue))),
        default: .text(OptimizerSettings.Name.adam.rawValue), "the optimizer")),
    // Adam first: it is what a section without a name means.
    variants: ([.adam] + OptimizerSettings.Name.allCases.filter { $0 != .adam }).map(variant))

  private static func variant(of name: OptimizerSettings.Name) -> Variants.Variant {
    let (meaning, own): (String, [SettingDeclaration]) =
      switch name {
      case .sgd:
        (
          "stochastic gradient descent",
          [
            SettingDeclaration("momentum", part, "part of the last move that goes on"),
            SettingDeclaration("dampening", part, "part of the gradient that the momentum leaves out"),
            SettingDeclaration(
              "nesterov", .boolean, "whether the momentum is Nesterov's, which needs one above 0 and no dampening"),
          ]
        )
      case .adam: ("Adam (Kingma and Ba, arXiv 1412.6980)", [betas, epsilon, amsgrad])
      case .adamw:
        ("Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101)", [betas, epsilon, amsgrad])
      case .rmsprop:
        (
          "RMSprop (Hinton)",
          [
            SettingDeclaration("alpha", part, "what remains of the mean of squared gradients in a step"), epsilon,
            SettingDeclaration("momentum", part, "part of the last move that goes on"),
            SettingDeclaration(
              "centered", .boolean, "whether gradients are divided by their deviation, not their size"),
          ]
        )
      case .adagrad:
        (
          "Adagrad (Duchi, Hazan and Singer, 2011)",
          [
            SettingDeclaration("rate-decay", .number(.atLeast(0)), "the rate is divided by 1 + this × steps"),
            SettingDeclaration(
              "initial-accumulator", .number(.atLeast(0)), "what the sum of squared gradients begins with"),
            epsilon,
          ]
        )
      case .nadam:
        (
          "Adam with Nesterov's momentum (Dozat, 2016)",
          [
            betas, epsilon,
            SettingDeclaration("momentum-decay", .number(.atLeast(0)), "how fast the momentum rises to the first beta"),
            decoupled,
          ]
        )
      case .radam: ("Adam with a rectified variance (Liu et al., arXiv 1908.03265)", [betas, epsilon, decoupled])
      }
    return Variants.Variant(
      name: name.rawValue, meaning: meaning,
      settings: settings(
        [SettingDeclaration("rate", .number(.above(0)), "learning rate")] + own
          + [
            SettingDeclaration(
              "weight-decay", .number(.atLeast(0)), "what is taken off a weight in a step, relative to it")
          ],
        withDefaultsOf: OptimizerSettings(name)))
  }

  private static let part = Kind.number(.atLeast(0, below: 1))
  private static let betas = SettingDeclaration(
    "betas", .list(of: part, 2), "decay of the running means of gradients and squares")
  private static let epsilon = SettingDeclaration("epsilon", .number(.above(0)), "added to the divisor")
  private static let amsgrad = SettingDeclaration(
    "amsgrad", .boolean, "whether to divide by the largest mean of squares so far (arXiv 1904.09237)")
  private static let decoupled = SettingDeclaration(
    "decoupled", .boolean, "whether weight decay acts on the weights, as in AdamW, and not on the gradient")
}
