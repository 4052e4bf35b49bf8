/// What is added up tile by tile while images are predicted, and is not in the results.
///
/// What a tile adds is kept in the journal of the prediction, so that a run that goes on from there has the same sums.
protocol TileSum {
  /// Ends a tile, counted over all regions.
  ///
  /// - Returns: what was added since the last one ended.
  mutating func endTile(_ tile: Int) -> [Int]

  /// Adds what `endTile` returned of a tile in an earlier run.
  ///
  /// - Returns: whether the numbers are such.
  mutating func addTile(_ tile: Int, _ numbers: [Int]) -> Bool
}

/// All sums of a prediction.
///
/// A class, since closures of several kinds add to it.
final class PredictionSums {
  /// The members' figures, and those of the classes beside their answers; empty when no targets are known.
  var figures: [MemberFigures] = []
  /// What is measured; nil: nothing is.
  var objects: ObjectCollector?
  /// What is compared with calibration; nil: nothing is.
  var shift: ShiftCollector?

  /// Ends a tile.
  ///
  /// - Returns: what all sums return, each with the count of its numbers before it.
  func endTile(_ tile: Int) -> [Int] {
    var own = figures.indices.map { figures[$0].endTile(tile) }
    if let objects { own.append(objects.endTile(tile)) }
    if let shift { own.append(shift.endTile(tile)) }
    return own.flatMap { [$0.count] + $0 }
  }

  /// Adds what `endTile` returned of a tile in an earlier run.
  ///
  /// - Returns: whether the numbers are such.
  func addTile(_ tile: Int, _ numbers: ArraySlice<Int>) -> Bool {
    var rest = numbers
    func next() -> [Int]? {
      guard let count = rest.popFirst(), (0...rest.count).contains(count) else { return nil }
      defer { rest = rest.dropFirst(count) }
      return Array(rest.prefix(count))
    }
    for index in figures.indices {
      guard let own = next(), figures[index].addTile(tile, own) else { return false }
    }
    if let objects {
      guard let own = next(), objects.addTile(tile, own) else { return false }
    }
    if let shift {
      guard let own = next(), shift.addTile(tile, own) else { return false }
    }
    return rest.isEmpty
  }
}
