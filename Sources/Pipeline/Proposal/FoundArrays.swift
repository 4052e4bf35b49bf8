import ImageFiles

/// The arrays at a location: one, or where the files of a folder or a pattern differ in extents, that of each.
struct FoundArrays {
  /// With the dataset that was found.
  let location: ArrayLocation
  /// As one array has it; of several the number of images, and behind it the largest extents.
  let shape: [Int]
  /// Letters of the axes, where files say them.
  let axes: String?
  private let arrays: [(location: ArrayLocation, array: any StoredArray)]

  /// Opens what a location means.
  ///
  /// - Throws: as `ArrayFile.open`, also where files differ in more than extents.
  init(_ wanted: ArrayLocation) throws {
    do {
      let (found, array) = try ArrayFile.open(wanted)
      (location, shape, axes, arrays) = (found, array.shape, array.facts.axes, [(found, array)])
    } catch let error as ImageFileError where error.kind == .unsupported {
      guard let each = try? ArrayFile.openEach(wanted), each.count > 1 else { throw error }
      let first = each[0].1.shape.count
      if let other = each.first(where: { $0.1.shape.count != first }) {
        throw ImageFileError(
          .unsupported, other.0,
          "has \(other.1.shape.count - 1) axes, and \(each[0].0) has \(first - 1); files of images have as many axes")
      }
      location = wanted
      shape = each[0].1.shape.indices.map { axis in
        axis == 0 ? each.reduce(0) { $0 + $1.1.shape[0] } : each.map { $0.1.shape[axis] }.max() ?? 0
      }
      axes = each[0].1.facts.axes
      arrays = each
    }
  }

  /// The most elements that are looked at, unless one array has more.
  private static let mostElements = 1 << 28
  /// The most different labels.
  private static let mostLabels = 32

  /// The range of the finite numbers, and how often each occurs where all are whole and few are different.
  ///
  /// - Throws: as `ArraySummary`.
  func summary() throws -> (range: ClosedRange<Double>?, counts: [Int: Int]?) {
    var (range, looked) = (ClosedRange<Double>?.none, 0)
    var counts: [Int: Int]? = [:]
    for (location, array) in arrays where looked < Self.mostElements {
      let own = try ArraySummary(location, array)
      looked += own.looked
      counts = own.counts.flatMap { counts?.merging($0, uniquingKeysWith: +) }
      if let more = own.range {
        range = range.map { min($0.lowerBound, more.lowerBound)...max($0.upperBound, more.upperBound) } ?? more
      }
    }
    return (range, counts.flatMap { $0.isEmpty || $0.count > Self.mostLabels ? nil : $0 })
  }
}
