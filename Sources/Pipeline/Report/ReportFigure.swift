/// The drawings of the page about a run, each of which can be made alone.
public enum ReportFigure: String, CaseIterable, Sendable {
  /// Loss, validation scores and learning rate over the epochs.
  case training
  /// The network of a member.
  case network
  /// The true class against the likeliest one.
  case confusion
  /// Whether probabilities are right.
  case reliability
  /// The share of errors among the surest pixels.
  case errorRejection = "error-rejection"
  /// Coverage found against coverage asked for.
  case coverage
  /// Coverage of every block, image and group.
  case units
  /// How many classes sets hold.
  case setSizes = "set-sizes"
  /// What was measured, with intervals.
  case measurements
  /// How long objects are.
  case lengths
  /// How objects of volumes lie.
  case directions
  /// Images by the first two principal components of their latent values, and by UMAP.
  case latent
  /// What each rank did in training.
  case ranks
}
