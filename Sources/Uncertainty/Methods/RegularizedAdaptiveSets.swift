/// Adaptive prediction sets with a penalty for large sets, randomized or not.
///
/// Of a class, the sum of the probabilities at least as large as its own, and λ for each class in that sum beyond the
/// k-th. Unless a job says otherwise λ is 0.1, and k is a tenth of the classes, at least 1: so no part of the calibration
/// set is needed to choose them. `SetRegularization.tuned` chooses them on such a part.
///
/// A. N. Angelopoulos et al., *Uncertainty sets for image classifiers using conformal prediction*, arXiv 2009.14193, eq. 4
/// and algorithm 2; without a penalty Y. Romano, M. Sesia and E. J. Candès, arXiv 2006.02544, eq. 7.
struct RegularizedAdaptiveSets: ClassScore {
  /// λ
  var penalty: Float
  /// k; nil: a tenth of the classes, at least 1.
  var free: Int?
  /// Whether a random part of the class's own probability is left out, so that coverage is nearer to the level.
  var isRandomized: Bool

  func score(_ label: Int, _ probabilities: UnsafePointer<Float>, stride: Int, classes: Int) -> Float {
    let own = probabilities[label * stride]
    guard !own.isNaN else { return own }
    var missing: Float = 0
    var rank = 0
    for c in 0..<classes {
      let other = probabilities[c * stride]
      if other < own { missing += other } else { rank += 1 }
    }
    let free = free ?? max(1, classes / 10)
    let sum = 1 - missing + penalty * Float(max(0, rank - free))
    return isRandomized ? sum - Self.random(probabilities, stride: stride, classes: classes) * own : sum
  }

  /// A number from 0 to 1, below 1, that looks random: a function of the probabilities' bits. A score must be a function of
  /// the prediction and the class alone, wherever and by whom it is computed.
  static func random(_ probabilities: UnsafePointer<Float>, stride: Int, classes: Int) -> Float {
    var hash: UInt64 = 0x9E37_79B9_7F4A_7C15
    for c in 0..<classes {
      // splitmix64's finalizer (Steele, Lea and Flood, doi:10.1145/2660193.2660195).
      hash = (hash ^ UInt64(probabilities[c * stride].bitPattern)) &* 0xBF58_476D_1CE4_E5B9
      hash = (hash ^ hash >> 27) &* 0x94D0_49BB_1331_11EB
      hash ^= hash >> 31
    }
    return Float(hash >> 40) / 16_777_216
  }
}

extension ConformalMethod {
  /// Adaptive sets with a penalty for large ones.
  public static let raps = ConformalMethod(
    "raps",
    "adaptive prediction sets with a penalty `lambda` for each class beyond the `k`-th likeliest (Angelopoulos et al., arXiv "
      + "2009.14193)",
    .ofClasses(RegularizedAdaptiveSets(penalty: 0.1, isRandomized: false))
  ) { _ in "largest sum of the probabilities from the most probable class down to one in the set, with penalties" }

  /// The same, randomized.
  public static let randomizedRAPS = ConformalMethod(
    "raps-randomized",
    "the same without a random part of the class's own probability, so that coverage is nearer to the level",
    .ofClasses(RegularizedAdaptiveSets(penalty: 0.1, isRandomized: true))
  ) { _ in
    "largest sum of the probabilities from the most probable class down to one in the set, with penalties, without a "
      + "random part of the last"
  }

  /// Adaptive sets, randomized.
  public static let randomizedAPS = ConformalMethod(
    "aps-randomized",
    "adaptive prediction sets without a random part of the class's own probability, so that coverage is nearer to the level",
    .ofClasses(RegularizedAdaptiveSets(penalty: 0, isRandomized: true))
  ) { _ in
    "largest sum of the probabilities from the most probable class down to one in the set, without a random part of the "
      + "last"
  }
}
