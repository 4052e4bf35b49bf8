import HDF5
import JobFiles

/// The datasets of a prediction, from the results or from what a run keeps beside them while it is at work.
struct PredictionNumbers {
  private let entry: Group
  private let group: String
  private let exactFile: File?
  private let path: String
  private let cache: Int

  /// - Parameters:
  ///   - entry: of the results.
  ///   - exact: a file with what these do not hold exactly; nil: there is none.
  ///   - path: what messages call the results.
  ///   - cache: bytes of chunks that each dataset keeps; as the library does without it.
  ///   - group: of the kind of answers.
  init(_ entry: Group, _ group: String = "prediction", exact: File?, path: String, cache: Int = 1 << 20) {
    (self.entry, self.group, exactFile, self.path, self.cache) = (entry, group, exact, path, cache)
  }

  /// Whether the results are read alone, and have mean or spread in fewer bits.
  ///
  /// - Throws: `HDF5Error`.
  var isRounded: Bool {
    get throws {
      try exactFile == nil
        && [ResultsQuantity.mean, .spread].contains {
          try entry.exists("\(group)/\($0.dataset)") && !holdsExactly($0)
        }
    }
  }

  /// Whether the results themselves hold a quantity as it was predicted.
  ///
  /// - Throws: `HDF5Error`.
  func holdsExactly(_ quantity: ResultsQuantity) throws -> Bool {
    let name = "\(group)/\(quantity.dataset)"
    guard try entry.exists(name) else { return false }
    return try ![.mean, .spread].contains(quantity) || NumberDataset(entry.dataset(name)).form.isExact
  }

  /// A dataset of the numbers as they were predicted, or else as the results have them.
  ///
  /// - Throws: `RunError.notInResults` when it is in neither; `HDF5Error`.
  func best(_ quantity: ResultsQuantity) throws -> NumberDataset {
    let name = "\(group)/\(quantity.dataset)"
    if let exactFile, try exactFile.exists("entry/\(name)") {
      return NumberDataset(whole: try exactFile.dataset("entry/\(name)", cache: cache))
    }
    guard try entry.exists(name) else {
      throw RunError.notInResults(
        path, quantity.rawValue, there: try ResultsQuantity.words(in: entry.group(group)))
    }
    let dataset = try entry.dataset(name, cache: cache)
    return [.mean, .spread].contains(quantity) ? try NumberDataset(dataset) : NumberDataset(whole: dataset)
  }

  /// As `best`, of numbers that must be exact.
  ///
  /// - Throws: as `best`.
  func exact(_ quantity: ResultsQuantity) throws -> Dataset {
    let found = try best(quantity)
    guard found.form.isExact else {
      throw RunError.notInResults(path, "exact \(quantity.rawValue)", there: ["\(quantity.rawValue) in fewer bits"])
    }
    return found.dataset
  }
}

extension ResultsQuantity {
  /// The words of what a group of a prediction holds.
  ///
  /// - Throws: `HDF5Error`.
  static func words(in group: Group) throws -> [String] {
    try allCases.filter { try group.exists($0.dataset) }.map(\.rawValue)
  }
}
