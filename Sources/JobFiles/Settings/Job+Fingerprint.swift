import Host
import Settings

extension Job {
  /// All that decides the results as one JSON text: equal jobs have equal texts, whatever their files look like.
  ///
  /// Left out are the job's name, its folder, where the results go and how many ranks train a member, what each of them
  /// keeps, or how often it is saved.
  public var canonicalText: String { canonicalText(without: Self.undecisive) }

  /// A 64-bit number of `canonicalText`, for a checkpoint to know its job and for ranks to agree on it.
  public var fingerprint: UInt64 { FNV1a.hash(of: canonicalText) }

  /// As `fingerprint`, of all that decides the trained members; settings of aggregation, prediction, measurements and
  /// uncertainty are left out.
  public var trainingFingerprint: UInt64 { FNV1a.hash(of: canonicalText(without: Self.undecisive + Self.later)) }

  /// As `canonicalText`, of all that decides a trained member: how many there are is left out as well.
  public var memberText: String { canonicalText(without: Self.undecisive + Self.later + ["ensemble.members"]) }

  /// As `memberText`, of all that decides the state of a training at a step: how many epochs there are is left out where
  /// the rate does not depend on it.
  public var stateText: String {
    let isFree = !training.recipe.schedule.dependsOnTotal
    return canonicalText(
      without: Self.undecisive + Self.later + ["ensemble.members"] + (isFree ? [Self.epochsPath] : []))
  }

  /// Where the number of epochs stands.
  public static let epochsPath = "training.epochs"

  /// What is done with trained members, and distances, which they do not see.
  private static let later = [
    "data.voxel-size", "prediction", "uncertainty", "measurements", "ensemble.aggregate", "ensemble.weak-members",
    "ensemble.average", "ensemble.weights", "results",
  ]

  /// All that ranks must have alike: the whole of the job but its folder.
  public var sharedText: String { canonicalText(without: ["folder"]) }

  private static let undecisive = [
    "name", "folder", "output", "ensemble.ranks-per-member", "training.checkpoint", "training.checkpoint-steps",
    "training.optimizer-state", "ensemble.minimum-members", "memory", "instances", "prediction.kinds",
  ]

  private func canonicalText(without paths: [String]) -> String {
    // By way of JSON, which decides how large numbers are written: fingerprints of before must not change.
    SettingValue(encoding: self).removing(paths).canonicalText
  }
}
