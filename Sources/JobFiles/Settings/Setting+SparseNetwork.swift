import Networks
import Settings

// What the families of random sparse networks have in common, and the autoencoders.

extension SettingDeclaration {
  /// How large the networks are is the user's to say.
  static let nodes = SettingDeclaration("nodes", .integer(1...1000), "nodes between input and output")

  /// How random sparse networks are connected.
  static let connections = [
    SettingDeclaration(
      "hidden-channels", .list(of: .integer(1...1024), 1...),
      "channels that a connection makes; drawn from this list for each"),
    SettingDeclaration(
      "dilations", .list(of: .integer(1...64), 1...),
      "dilations of connections between nodes; drawn from this list as `dilation-mode` says"),
    SettingDeclaration(
      "dilation-mode", words(SMSNetGenerator.DilationMode.self, noun: "dilation mode"),
      "what draws a dilation: `edge`, each connection; `node`, each node for all connections that enter it; `cyclic`, as "
        + "`node` but the list is gone through in turn"),
    SettingDeclaration(
      "alpha", .number(.atLeast(0)),
      "skip length: a connection over δ nodes has weight exp(−alpha·δ); 0 makes all lengths alike"),
    SettingDeclaration(
      "gamma", .number(.atLeast(0)),
      "degree: a node has k connections with weight k^(−gamma); 0 makes all degrees alike"),
    SettingDeclaration(
      "degree",
      defaults: [
        SettingDeclaration("min", degree, "fewest connections from a node to later ones; below 1: a part of the nodes"),
        SettingDeclaration(
          "max", degree, otherwise: "no limit",
          "most connections from a node to later ones; below 1: a part of the nodes"),
      ], "limits of the number of connections of a node"),
    SettingDeclaration(
      "input-probability", .number(.from(0...1)), "how likely a node that need not read the input reads it"),
    SettingDeclaration(
      "output-probability", .number(.from(0...1)), "how likely the output reads a node that it need not read"),
    SettingDeclaration("input-output", .boolean, "whether the output reads the input"),
  ]

  /// What a connection consists of.
  static let edges = [
    SettingDeclaration(
      "form", words(SMSNet.Form.self, noun: "form"),
      "the connection from input to output: `planar`, kernel 3 with normalization and activation (DLSIA in 2-D); "
        + "`volumetric`, 1×1×1 and linear (DLSIA in 3-D)"),
    SettingDeclaration("kernel", .integer(1...31), "extent of the connections' kernels, an odd number"),
    padding,
    SettingDeclaration("activation", activation, "what follows each normalization; \(activationExamples)"),
    SettingDeclaration("normalization", normalizationKind, "what follows each convolution; \(normalizationExample)"),
    runningStatistics, initialization,
  ]

  private static let degree = Kind.or([.integer(1...), .number(.above(0, below: 1))])

  /// The sizes between an image and the planes that a sparse network makes of it.
  private static let reduction = [
    SettingDeclaration("levels", .integer(1...8), "steps of size between the image and the planes"),
    SettingDeclaration("factor", .integer(2...16), "pixels that become one along each axis from step to step"),
    SettingDeclaration("latent-channels", .integer(1...4096), "the number of planes"),
  ]

  private static let linearDropout = SettingDeclaration(
    "dropout", rate, "rate of dropout between linear layers, while training")

  static let sparseAutoencoder =
    [nodes]
    + settings(
      connections + edges + reduction + [
        SettingDeclaration(
          "code", .list(of: .integer(1...1_000_000), 0...),
          "lengths of the vectors from the planes to the code, which is the last; none: the planes are the code"),
        linearDropout, finalActivation,
      ], withDefaultsOf: SparseAutoencoder())

  static let sparseLabeler =
    [nodes]
    + settings(
      connections + edges + reduction + [
        SettingDeclaration(
          "features", .list(of: .integer(1...1_000_000), 0...),
          "lengths of the vectors between the planes and the scores"),
        linearDropout,
        SettingDeclaration("final-normalization", .boolean, "whether batch normalization follows the scores (DLSIA)"),
      ], withDefaultsOf: SparseLabeler())

  static let autoencoder = settings(
    [
      SettingDeclaration("depth", .integer(1...16), "levels of resolution, each of which ends in a pooling"),
      SettingDeclaration("base-channels", .integer(1...4096), "channels of the first level"),
      SettingDeclaration("growth-rate", .number(.above(0)), "channels of a level over those of the level above"),
      SettingDeclaration("latent-dimension", .integer(1...1_000_000), "numbers that an image is reduced to"),
      SettingDeclaration(
        "block", words(Autoencoder.Block.self, noun: "block"),
        "what a level consists of: `parallel`, stacks of convolutions side by side, one for each dilation, and a 1×1 "
          + "convolution of all; `dense`, a mixed-scale dense network"),
      SettingDeclaration(
        "max-dilation", .integer(1...1000), "dilations of a level are 1 to this; 1: ordinary convolutions"),
      SettingDeclaration("block-depth", .integer(1...1000), "convolutions of a level one after another"),
      SettingDeclaration("pooling", perAxis(1...16), "how many pixels become one from level to level"),
      padding,
      SettingDeclaration("activation", activation, "what follows each convolution; \(activationExamples)"),
      SettingDeclaration("normalization", normalizationKind, "what follows each activation; \(normalizationExample)"),
      runningStatistics, initialization, finalActivation,
    ], withDefaultsOf: Autoencoder())

  static let grey2color = settings(
    [
      SettingDeclaration(
        "encoder", .list(of: .integer(1...4096), 0...), "channels of the encoder's hidden layers, first to last"),
      SettingDeclaration(
        "decoder", .list(of: .integer(1...4096), 0...), "channels of the decoder's hidden layers, first to last"),
      SettingDeclaration("latent-channels", .integer(1...4096), "numbers that a pixel is reduced to"),
      SettingDeclaration("activation", activation, "what follows each normalization; \(activationExamples)"),
      SettingDeclaration("normalization", normalizationKind, "what follows each hidden layer; \(normalizationExample)"),
      runningStatistics, initialization, finalActivation,
    ], withDefaultsOf: Grey2Color())
}
