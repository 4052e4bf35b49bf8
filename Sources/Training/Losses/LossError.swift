/// Why a loss cannot train a network.
public enum LossError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The loss compares labels, and there are none.
  case needsLabels(loss: String)
  /// The loss compares values, and there are none.
  case needsValues(loss: String)
  /// The target's channels do not go with the output's.
  case channels(loss: String, output: Int, target: Int)
  /// A list of weights is not one weight a class.
  case weights(loss: String, weights: Int, classes: Int)
  /// The loss is of several classes, and the network has one output channel.
  case oneChannel(loss: String)
  /// Weights that are to be balanced have no meaning for a class of which there is nothing.
  case emptyClass(loss: String, label: Int)
  /// The loss is of one class, since there is one output channel.
  case nothingToBalance(loss: String)

  public var description: String {
    switch self {
    case .needsLabels(let loss):
      "training.loss: \(loss) compares with classes, and this task has images instead; mse or l1 compare images"
    case .needsValues(let loss):
      "training.loss: \(loss) compares with images, and this task has classes instead; cross-entropy or dice compare classes"
    case .channels(let loss, let output, let target):
      "training.loss: \(loss) cannot compare \(output) output channels with \(target) channels of the target; "
        + "give the network as many outputs as the target needs"
    case .weights(let loss, let weights, let classes):
      "training.loss: \(loss) has \(weights) weights for \(classes) classes; give one for each"
    case .oneChannel(let loss):
      "training.loss: \(loss) needs one output channel for each class, and the network has one in all; "
        + "use binary-cross-entropy or dice-bce, or the task segmentation, which has one channel for each class"
    case .nothingToBalance(let loss):
      "training.loss: \(loss) of one output channel is of the second class alone, so there is nothing to balance; remove its weights"
    case .emptyClass(let loss, let label):
      "training.loss: \(loss) cannot balance label \(label), which does not occur in the training part; "
        + "give the weights as a list, or another split"
    }
  }
}
