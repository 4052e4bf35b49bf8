import Imaging
import Networks

/// Why members do not make an ensemble, or cannot be used.
public enum EnsembleError: Error, Hashable, Sendable {
  /// There is no member to predict with.
  case noMembers
  /// Two members are not of one ensemble.
  case mixed(Int, Int)
  /// A member's weights are not finite after its training.
  case weightsNotFinite(rate: Double)
  /// An image that is to be predicted holds a value that is not finite, in this box of its region.
  case imageNotFinite(file: String, image: Int, box: Box)
  /// The networks have linear layers, which are bound to images of the training patches' extents.
  case boundToSize(patch: [Int], input: [Int])
  /// Two members reduce an image to values of different shapes.
  case latents(FeatureShape, FeatureShape)
  /// Ranks that joined a member do not have the state that they were sent.
  case stateLost
  /// A checkpoint was written on another kind of processor, and bits are to be the same.
  case otherProcessor(path: String, trained: String, here: String)
}

extension EnsembleError: CustomStringConvertible {
  /// What is wrong and what to do, for the user.
  public var description: String {
    switch self {
    case .noMembers: "no member of the ensemble is trained; there is nothing to predict with."
    case .mixed(let a, let b):
      "members \(a) and \(b) differ in task, classes, channels, dimensions or scaling; an ensemble is of one job."
    case .weightsNotFinite(let rate):
      "weights are not finite after the last step (rate \(rate)). Lower training.optimizer.rate."
    case .latents(let a, let b): "members reduce an image to latent values of different shapes, \(a) and \(b)."
    case .boundToSize(let patch, let input):
      "the networks' linear layers are bound to images of \(patch) pixels, as the training patches have, and this one "
        + "has \(input); predict images of that size."
    case .stateLost:
      "ranks that joined it received another state than was sent; check the network, and run the same command again."
    case .otherProcessor(let path, let trained, let here):
      "\(path) was written on another kind of processor (\(trained); here: \(here)), and --same-bits is given. Go on "
        + "where it was written, leave --same-bits out, or remove the file to train the member from its beginning."
    case .imageNotFinite(let file, let image, let box):
      "\(file): image \(image) holds values that are not finite within \(box); replace them."
    }
  }
}
