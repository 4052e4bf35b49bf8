import Host
import MessagePassing

/// Coverage, sizes and share of empty prediction sets at each level, over labelled pixels.
///
/// Everything is counted in integers, so the order of pixels and ranks does not matter.
public struct SetEvaluation: Hashable, Sendable {
  /// The number of coverages.
  public let levels: Int
  /// The number of classes.
  public let classes: Int
  // Of each level: labelled pixels by class, covered pixels by class, the sum of set sizes, empty sets; then by size of the
  // set, from 0 on, pixels and covered pixels.
  private var counts: [Int64]

  /// No pixels yet.
  public init(levels: Int, classes: Int) {
    self.levels = levels
    self.classes = classes
    counts = Array(repeating: 0, count: levels * (4 * classes + 4))
  }

  /// Adds the labelled pixels of one level's sets.
  ///
  /// - Parameters:
  ///   - set: `[class, pixel]`, not 0 where the class is in the set.
  ///   - labels: `[pixel]`; those equal to `ignore` do not count.
  /// - Throws: `UncertaintyError.labelOutside`.
  public mutating func add(
    set: UnsafePointer<UInt8>, labels: UnsafePointer<UInt8>, pixels: Int, level: Int, ignore: UInt8? = Label.ignored
  ) throws(UncertaintyError) {
    let base = first(level)
    for i in 0..<pixels where labels[i] != ignore {
      let label = Int(labels[i])
      guard label < classes else { throw .labelOutside(label: label, pixel: i, classes: classes) }
      var size: Int64 = 0
      for c in 0..<classes where set[c * pixels + i] != 0 { size += 1 }
      counts[base + label] += 1
      if set[label * pixels + i] != 0 { counts[base + classes + label] += 1 }
      counts[base + 2 * classes] += size
      if size == 0 { counts[base + 2 * classes + 1] += 1 }
      counts[base + 2 * classes + 2 + Int(size)] += 1
      if set[label * pixels + i] != 0 { counts[base + 3 * classes + 3 + Int(size)] += 1 }
    }
  }

  /// Adds what another evaluation counted.
  public mutating func merge(_ other: SetEvaluation) {
    precondition(other.levels == levels && other.classes == classes, "evaluations of other levels or classes")
    for i in counts.indices { counts[i] += other.counts[i] }
  }

  /// Adds up what all ranks counted.
  ///
  /// - Throws: what `sum` throws.
  public mutating func reduce(_ sum: IntegerSum) throws { try sum(&counts) }

  /// Adds up what all ranks of a communicator counted. Collective.
  ///
  /// - Throws: `MPIError`.
  public mutating func reduce(over communicator: Communicator) throws { try reduce(communicator.integerSum) }

  /// Labelled pixels of a level.
  public func pixels(level: Int) -> Int64 { counts[first(level)..<(first(level) + classes)].reduce(0, +) }

  /// Labelled pixels of a level and class.
  public func pixels(level: Int, class label: Int) -> Int64 { counts[first(level) + label] }

  /// The share of pixels whose set holds the true class; NaN without pixels.
  public func coverage(level: Int) -> Double {
    let base = first(level) + classes
    return ratio(counts[base..<(base + classes)].reduce(0, +), pixels(level: level))
  }

  /// The same among the pixels of one class; NaN when there are none.
  public func coverage(level: Int, class label: Int) -> Double {
    ratio(counts[first(level) + classes + label], pixels(level: level, class: label))
  }

  /// The mean number of classes in a set; NaN without pixels.
  public func meanSetSize(level: Int) -> Double {
    ratio(counts[first(level) + 2 * classes], pixels(level: level))
  }

  /// The share of pixels with an empty set; NaN without pixels.
  public func emptyShare(level: Int) -> Double {
    ratio(counts[first(level) + 2 * classes + 1], pixels(level: level))
  }

  /// Pixels whose set holds so many classes.
  public func pixels(level: Int, size: Int) -> Int64 { counts[first(level) + 2 * classes + 2 + size] }

  /// The coverage among pixels whose set holds so many classes (size-stratified coverage; Angelopoulos et al., arXiv
  /// 2009.14193); NaN when there are none.
  public func coverage(level: Int, size: Int) -> Double {
    ratio(counts[first(level) + 3 * classes + 3 + size], pixels(level: level, size: size))
  }

  /// The mean over classes with pixels of |coverage − level| (CovGap; Ding et al., arXiv 2306.09335, section 3).
  public func gap(level: Int, to coverage: Coverage) -> Double {
    let known = (0..<classes).filter { pixels(level: level, class: $0) > 0 }
    return known.reduce(0) { $0 + abs(self.coverage(level: level, class: $1) - coverage.value) } / Double(known.count)
  }

  private func first(_ level: Int) -> Int { level * (4 * classes + 4) }

  private func ratio(_ part: Int64, _ whole: Int64) -> Double { Double(part) / Double(whole) }
}
