import MessagePassing

/// Conformal risk control with the image as the unit: the smallest threshold whose sets miss, in the mean over new
/// images, at most a given share of an image's pixels (Angelopoulos et al., arXiv 2208.02814, eq. 4).
///
/// Pixels of one image are alike, so the guarantee of `SplitConformal` holds over pixels of all images together, not
/// for the next image. Here images are exchangeable: the risk of an image is the share of its labelled pixels whose
/// score is above λ, on a grid of λ. Everything is counted in integers, so the order of pixels and ranks does not
/// matter.
public struct RiskControl: Hashable, Sendable {
  /// Ascending thresholds to choose from.
  public let grid: [Float]
  /// The number of calibration images on all ranks.
  public let images: Int
  // Of each image: the scores that each threshold is the first to cover, at last those that none covers.
  private var counts: [Int64]

  /// No pixels yet.
  ///
  /// - Parameter grid: ascending; by default 0, 0.001, … 1.
  public init(images: Int, grid: [Float] = (0...1000).map { Float(Double($0) / 1000) }) {
    precondition(!grid.isEmpty && zip(grid, grid.dropFirst()).allSatisfy { $0 < $1 }, "an ascending grid")
    self.grid = grid
    self.images = images
    counts = Array(repeating: 0, count: images * (grid.count + 1))
  }

  /// Adds scores of true classes of one image.
  ///
  /// - Throws: `UncertaintyError.notANumber`.
  public mutating func add(_ scores: some Collection<Float>, image: Int) throws(UncertaintyError) {
    precondition((0..<images).contains(image), "image \(image) of \(images)")
    let missing = Int64(scores.count { $0.isNaN })
    guard missing == 0 else { throw .notANumber(scores: missing, of: Int64(scores.count)) }
    for score in scores { counts[image * (grid.count + 1) + place(of: score)] += 1 }
  }

  /// The first threshold that is at least the score; the grid's count when none is.
  private func place(of score: Float) -> Int {
    var (low, high) = (0, grid.count)
    while low < high {
      let middle = (low + high) / 2
      if grid[middle] >= score { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// Adds up what all ranks counted.
  ///
  /// - Throws: what `sum` throws.
  public mutating func reduce(_ sum: IntegerSum) throws { try sum(&counts) }

  /// Adds up what all ranks of a communicator counted. Collective.
  ///
  /// - Throws: `MPIError`.
  public mutating func reduce(over communicator: Communicator) throws { try reduce(communicator.integerSum) }

  /// The images with scores, which alone count, and the sum of their risks at each threshold.
  private var risks: (images: Int, sums: [Double]) {
    var (labelled, sums) = (0, Array(repeating: 0.0, count: grid.count))
    for image in 0..<images {
      let own = counts[image * (grid.count + 1)..<(image + 1) * (grid.count + 1)]
      let all = own.reduce(0, +)
      guard all > 0 else { continue }
      labelled += 1
      var missed = all
      for (index, count) in own.dropLast().enumerated() {
        missed -= count
        sums[index] += Double(missed) / Double(all)
      }
    }
    return (labelled, sums)
  }

  /// The mean risk over the images at each threshold; NaN without images.
  public var meanRisk: [Double] {
    let risks = risks
    return risks.sums.map { $0 / Double(risks.images) }
  }

  /// For each coverage the smallest threshold with n/(n + 1)·risk + 1/(n + 1) ≤ 1 − coverage, or `infeasible`.
  public func thresholds(_ levels: [Coverage]) -> [ConformalThreshold] {
    let risks = risks
    return levels.map { level in
      // coverage·(n + 1) ≤ n − Σ risk, with room for the rounding of the sum.
      let most = Double(risks.images) - level.value * Double(risks.images + 1) + 1e-9
      return risks.sums.firstIndex { $0 <= most }.map { .score(grid[$0]) } ?? .infeasible
    }
  }

  /// Prediction sets by these thresholds, after `reduce`.
  public func sets(_ method: ConformalMethod, levels: [Coverage]) -> SplitConformal {
    SplitConformal(method, levels: levels, thresholds: thresholds(levels), scores: counts.reduce(0, +))
  }
}
