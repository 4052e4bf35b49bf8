import Networks
import Settings

// The network families' settings. Their keys and defaults are those of the families' own types.

extension SettingDeclaration {
  static let network = Variants(
    selector: .value(
      SettingDeclaration(
        "family",
        .choice(
          Choice(
            noun: "network family", words: NetworkFamily.Name.allCases.map(\.rawValue))),
        "the kind of network")),
    variants: NetworkFamily.Name.allCases.map(variant))

  private static func variant(of family: NetworkFamily.Name) -> Variants.Variant {
    switch family {
    case .tunet:
      Variants.Variant(
        name: family.rawValue, meaning: "a tunable U-Net: encoder and decoder with skip connections",
        settings: tunet + aroundAll)
    case .tunet3plus:
      Variants.Variant(
        name: family.rawValue,
        meaning: "a tunable U-Net whose decoder levels read all levels (UNet 3+, arXiv 2004.08790)",
        settings: tunet3plus + aroundAll)
    case .msdnet:
      Variants.Variant(
        name: family.rawValue,
        meaning: "a mixed-scale dense network: every layer reads all planes before it through dilated convolutions "
          + "(Pelt and Sethian, doi 10.1073/pnas.1715832114)",
        settings: msdnet + aroundAll)
    case .smsnet:
      Variants.Variant(
        name: family.rawValue,
        meaning: "a sparse mixed-scale network: a random graph of dilated convolutions, another for each member "
          + "(DLSIA, Roberts et al. 2024, section II-D)",
        settings: smsnet + aroundAll)
    case .fcnet:
      Variants.Variant(
        name: family.rawValue, meaning: "a fully connected network for every pixel by itself: 1×1 convolutions",
        settings: fcnet + aroundAll)
    case .autoencoder:
      Variants.Variant(
        name: family.rawValue,
        meaning:
          "a tunable convolutional autoencoder: levels of convolutions and pooling, a linear layer to a vector of few "
          + "numbers, and the same way back; with `max-dilation` above 1 the mixed-scale autoencoder (DLSIA's MSAE)",
        settings: autoencoder + aroundAll)
    case .sparseAutoencoder:
      Variants.Variant(
        name: family.rawValue,
        meaning:
          "a random sparse mixed-scale network to smaller planes, perhaps to a vector of few numbers, and another one back "
          + "(DLSIA's SparseAutoEncoder); other networks for each member",
        settings: sparseAutoencoder + aroundAll)
    case .sparseLabeler:
      Variants.Variant(
        name: family.rawValue,
        meaning:
          "a random sparse mixed-scale network to smaller planes and linear layers to a score a class, for images that "
          + "have one class (DLSIA's SparseLabeler)",
        settings: sparseLabeler + aroundAll)
    case .grey2color:
      Variants.Variant(
        name: family.rawValue,
        meaning:
          "an autoencoder of every pixel's channels by itself, whose code of few numbers in 0 … 1 can be shown as colours "
          + "(DLSIA's Grey2Color)",
        settings: grey2color + aroundAll)
    }
  }

  private static let tunet = settings(
    [
      SettingDeclaration("depth", .integer(2...16), "levels of resolution, the deepest included"),
      SettingDeclaration("base-channels", .integer(1...4096), "channels of the first level"),
      SettingDeclaration("growth-rate", .number(.above(0)), "channels of a level over those of the level above"),
      SettingDeclaration("hidden-rate", .number(.above(0)), "second over first convolution of a level, in channels"),
      SettingDeclaration("kernel", perAxis(1...31), "extent of the convolutions' kernels, an odd number"),
      SettingDeclaration("pooling", perAxis(1...16), "how many pixels become one from level to level"),
      padding,
      SettingDeclaration("activation", activation, "what follows each normalization; \(activationExamples)"),
      SettingDeclaration("normalization", normalizationKind, "what follows each convolution; \(normalizationExample)"),
      runningStatistics,
      SettingDeclaration("dropout", rate, "rate of dropout at the end of each level, while training"),
      initialization, finalActivation,
    ], withDefaultsOf: TUNet())

  private static let tunet3plus =
    tunet
    + settings(
      [
        SettingDeclaration(
          "carryover-channels", .integer(1...4096), otherwise: "`base-channels`",
          "channels in which a decoder level keeps each level it reads"),
        SettingDeclaration(
          "fusion", words(TUNet3Plus.Fusion.self, noun: "fusion"),
          "what becomes of the stack of levels that a decoder level reads: `none`, nothing (DLSIA); `paper`, a convolution of "
            + "all its channels to as many, with normalization and activation"),
        SettingDeclaration(
          "upsampling", words(TUNet3Plus.Upscaling.self, noun: "upsampling"),
          "how coarse levels become as large as fine ones"),
      ], withDefaultsOf: TUNet3Plus())

  /// How large the networks are is the user's to say.
  private static let msdnet =
    [
      SettingDeclaration(
        "layers", .integer(1...10_000), "layers, one after another; a matrix of dilations says it otherwise")
    ]
    + settings(
      [
        SettingDeclaration(
          "form", words(MSDNet.Form.self, noun: "form"),
          "what a layer activates and normalizes: `planes`, each new plane once (the paper); `stack`, all planes again "
            + "(DLSIA)"),
        SettingDeclaration("width", .integer(1...1000), "new planes of a layer"),
        SettingDeclaration(
          "max-dilation", .integer(1...1000), "dilations run from 1 to this from plane to plane, again and again"),
        SettingDeclaration(
          "dilations",
          .or([
            .list(of: .integer(1...1000), 1...), .list(of: .list(of: .integer(1...1000), 1...), 1...),
          ]), otherwise: "1 to `max-dilation`",
          "dilations of one plane after another, again and again; or a matrix with a row for each plane of a layer and "
            + "a column for each layer, which says width and layers too"),
        SettingDeclaration("kernel", perAxis(1...31), "extent of the convolutions' kernels, an odd number"),
        padding,
        SettingDeclaration(
          "activation", activations, "what follows each convolution, or several in a list; \(activationExamples)"),
        SettingDeclaration(
          "input-activation", activations, otherwise: "none; in the form `stack`, `activation`",
          "what the image goes through first"),
        SettingDeclaration("normalization", normalizationKind, "what follows each activation; \(normalizationExample)"),
        runningStatistics,
        SettingDeclaration(
          "dropout",
          defaults: [
            SettingDeclaration("initial", rate, "of the image"),
            SettingDeclaration("hidden", rate, "of what each layer makes, before its activation"),
            SettingDeclaration("final", rate, "of the planes before the last convolution"),
          ], "rates of dropout while training"),
        initialization, finalActivation,
      ], withDefaultsOf: MSDNet())

  private static let smsnet =
    [nodes]
    + settings(
      connections + [
        SettingDeclaration(
          "scales",
          defaults: [
            SettingDeclaration("base", .integer(2...16), "the factor between sizes"),
            SettingDeclaration("min", .integer(-8...8), "lowest power; −1: down to a `base`-th of the image's extents"),
            SettingDeclaration("max", .integer(-8...8), "highest power"),
          ], "sizes of nodes: the image's extents times a power of `base`, drawn for each node"),
        SettingDeclaration(
          "parameters",
          defaults: [
            SettingDeclaration("min", .integer(0...), otherwise: "no limit", "fewest parameters"),
            SettingDeclaration("max", .integer(0...), otherwise: "no limit", "most parameters"),
          ],
          "bounds of a network's number of parameters; it is drawn again until it keeps them, at most "
            + "\(SMSNetGenerator.attempts) times"),
      ], withDefaultsOf: SMSNetGenerator())
    + settings(
      edges + [
        SettingDeclaration("dropout", rate, "rate of dropout of each node between input and output, while training"),
        SettingDeclaration(
          "reservoir", .boolean, "whether only the last convolution is trained; the rest stays as it starts"),
        SettingDeclaration("final-normalization", .boolean, "whether batch normalization follows the last convolution"),
        finalActivation,
      ], withDefaultsOf: SMSNet())

  private static let fcnet = settings(
    [
      SettingDeclaration(
        "hidden-channels", .list(of: .integer(1...4096), 0...), "channels of the hidden layers, first to last"),
      SettingDeclaration(
        "skips", .boolean, "whether every layer but the first reads the image beside the layer before"),
      SettingDeclaration("activation", activation, "what follows each normalization; \(activationExamples)"),
      SettingDeclaration("normalization", normalizationKind, "what follows each hidden layer; \(normalizationExample)"),
      runningStatistics,
      SettingDeclaration("dropout", rate, "rate of dropout after each hidden layer, while training"),
      SettingDeclaration("bias", .boolean, "whether the last layer has a bias"),
      initialization, finalActivation,
    ], withDefaultsOf: FCNet())

  /// The same in all families.
  private static let aroundAll = [squash, quantileHeads]

  private static let quantileHeads = SettingDeclaration(
    "quantile-heads",
    .section(
      settings(
        [
          SettingDeclaration("features", .integer(1...4096), "channels that the network gives the heads"),
          SettingDeclaration(
            "hidden-channels", .list(of: .integer(1...4096), 0...), otherwise: "one layer of the mean of in and out",
            "channels of each head's hidden layers, first to last"),
          SettingDeclaration("reads-image", .boolean, "whether the heads read the image beside the network's features"),
        ], withDefaultsOf: QuantileHeads())), otherwise: "the network gives all numbers itself",
    "for the loss `quantile` with three quantiles: a head each for the lower one, the median and the upper one, which then "
      + "cannot cross (DLSIA's Cerberus)")

  private static let squash = SettingDeclaration(
    "squash",
    .section([
      SettingDeclaration("channels", .integer(1...4096), "channels that the network reads in the image's place"),
      SettingDeclaration(
        "hidden-channels", .list(of: .integer(1...4096), 0...), default: [],
        "channels of hidden layers, first to last"),
    ]), otherwise: "the network reads the image",
    "a fully connected network for every pixel that makes fewer channels of the image's (SquashNet)")

  static let padding = SettingDeclaration(
    "padding", words(PaddingMode.self, noun: "padding"), "what convolutions see beyond the image")

  static let initialization = SettingDeclaration(
    "initialization", words(Initialization.self, noun: "initialization"),
    "how weights start: PyTorch's default (uniform in ±1/√fan-in), Kaiming's, Xavier's or orthogonal ones")

  static let finalActivation = SettingDeclaration(
    "final-activation", activation, "what follows the last convolution, and its normalization if it has one")

  static let runningStatistics = SettingDeclaration(
    "running-statistics", .boolean,
    "whether batch normalization predicts with the statistics of training, or with those of the batch")

  static func perAxis(_ range: ClosedRange<Int>) -> Kind {
    .or([.integer(range), .list(of: .integer(range), count: 1...3)])
  }

  static func words<Word: CaseIterable & RawRepresentable<String>>(_: Word.Type, noun: String) -> Kind {
    .choice(Choice(noun: noun, words: Word.allCases.map(\.rawValue)))
  }

  /// A name, or a section with the name and the number that some have.
  static let activation: Kind = {
    let word = Kind.choice(Choice(noun: "activation", words: Activation.names + ["none"]))
    let name = Kind.choice(Choice(noun: "activation", words: Activation.names))
    let variants = Activation.names.map { name in
      let settings: [SettingDeclaration] =
        switch name {
        case "leaky-relu": [SettingDeclaration("negative-slope", .number(.atLeast(0)), default: 0.01, "slope below 0")]
        case "prelu":
          [SettingDeclaration("per-channel", .boolean, default: false, "whether each channel has a slope of its own")]
        case "elu": [SettingDeclaration("alpha", .number(.above(0)), default: 1, "the limit at −∞, negated")]
        default: []
        }
      return Variants.Variant(name: name, meaning: "", settings: settings)
    }
    return .or([
      word,
      .variants(Variants(selector: .value(SettingDeclaration("name", name, "the activation")), variants: variants)),
    ])
  }()

  private static let activations: Kind = {
    guard case .or(let kinds) = activation else { return activation }
    return .or(kinds + [.list(of: activation, 1...)])
  }()

  /// A word, or a section with the name and the number of groups.
  static let normalizationKind: Kind = {
    let words = Kind.choice(
      Choice(noun: "normalization", words: NormalizationKind.names.filter { $0 != "group" }))
    let name = Kind.choice(Choice(noun: "normalization", words: NormalizationKind.names))
    let variants = NormalizationKind.names.map { name in
      Variants.Variant(
        name: name, meaning: "",
        settings: name == "group"
          ? [SettingDeclaration("groups", .integer(1...), "groups of channels of a sample")] : [])
    }
    return .or([
      words,
      .variants(Variants(selector: .value(SettingDeclaration("name", name, "the normalization")), variants: variants)),
    ])
  }()

  static let normalizationExample = "`{name: group, groups: 4}` normalizes each sample in groups of channels"

  static let rate = Kind.number(.atLeast(0, below: 1))

  static let activationExamples =
    "`{name: leaky-relu, negative-slope: 0.01}`, `{name: prelu, per-channel: true}` and `{name: elu, alpha: 1}` give its "
    + "setting"
}
