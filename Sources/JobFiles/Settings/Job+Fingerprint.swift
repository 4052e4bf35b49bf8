import Settings

extension Job {
  /// All that decides the results as one JSON text: equal jobs have equal texts, whatever their files look like.
  ///
  /// Left out are the job's name, its folder, where the results go and how many ranks train a member, what each of them keeps, or how often
  /// it is saved.
  public var canonicalText: String { canonicalText(without: Self.undecisive) }

  /// A 64-bit number of `canonicalText`, for a checkpoint to know its job and for ranks to agree on it.
  public var fingerprint: UInt64 { Self.hash(canonicalText) }

  /// As `fingerprint`, of all that decides the trained members; settings of aggregation, prediction and uncertainty are left out.
  public var trainingFingerprint: UInt64 {
    Self.hash(canonicalText(without: Self.undecisive + ["prediction", "uncertainty", "ensemble.aggregate"]))
  }

  private static let undecisive = [
    "name", "folder", "output", "ensemble.ranks-per-member", "training.checkpoint", "training.optimizer-state",
  ]

  private func canonicalText(without paths: [String]) -> String {
    SettingValue(encoding: self).removing(paths).canonicalText
  }

  /// FNV-1a over the UTF-8 bytes (Fowler, Noll and Vo; RFC 9923).
  private static func hash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xcbf2_9ce4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01b3 }
  }
}
