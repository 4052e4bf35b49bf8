import HDF5
import ImageFiles
import JobFiles

/// One quantity of a results file, as an array with axes and voxel size.
public struct ResultsArray: Sendable {
  /// The numbers.
  public let array: any StoredArray

  /// Opens a quantity of a results file.
  ///
  /// - Parameters:
  ///   - level: the coverage of sets and intervals; nil: the only one.
  ///   - className: the name or the number of the class or channel alone; nil: all.
  ///   - image: the image of a stack alone; nil: all.
  /// - Throws: `RunError` when the file holds no such thing; `HDF5Error`, `ImageFileError`.
  public init(_ path: String, _ quantity: ResultsQuantity, level: Double?, className: String?, image: Int?) throws {
    let file = try File(opening: path)
    _ = try ResultsFile.job(of: file)
    let group = "entry/prediction"
    let dataset = quantity.dataset
    guard try file.exists("\(group)/\(dataset)") else {
      throw RunError.notInResults(path, quantity.rawValue, there: try ResultsQuantity.words(in: file.group(group)))
    }
    if quantity == .spread, try !ResultsFile.hasSpread(file.group(group)) { throw RunError.noSpread(path) }
    let classNumber = try className.map { try Self.number(ofClass: $0, in: file, path) }
    let shown = try ResultsFile.signal(of: file.group(group))
    let names = try ResultsFile.axes(of: file.group(group))
    let letters: [String: Character] = ["image": "i", "class": "c", "channel": "c", "z": "z", "y": "y", "x": "x"]
    var axes = names.map { letters[$0] ?? "t" }
    var spacing = try ArrayFile.open(ArrayLocation(file: path, dataset: "/\(group)/\(shown)")).1.facts.spacing
    if spacing.count < axes.count { spacing.insert(nil, at: 1) }
    if [.labels, .setSize, .doubt, .measured].contains(quantity), let place = axes.firstIndex(of: "c") {
      axes.remove(at: place)
      spacing.remove(at: place)
    }
    var picks: [String] = []
    if [.set, .setSize, .doubt, .lower, .upper, .quantiles, .compositeLower, .compositeUpper].contains(quantity) {
      picks.append(quantity == .quantiles ? "0:" : "\(try Self.level(level, in: file, path))")
      if quantity == .quantiles {
        axes.insert("t", at: 0)
        spacing.insert(nil, at: 0)
      }
    }
    // Of one image that is smaller than others, its own pixels.
    var own: [Character: Int] = [:]
    if let image, let extents = try OwnPixels(file.group(group)).extents(of: image) {
      own = Dictionary(uniqueKeysWithValues: zip("zyx".suffix(extents.count), extents))
    }
    for letter in axes.dropFirst(quantity == .quantiles ? 1 : 0) {
      let pick = letter == "c" ? classNumber : letter == "i" ? image : nil
      picks.append(pick.map { "\($0)" } ?? own[letter].map { "0:\($0)" } ?? ":")
    }
    let location = ArrayLocation(
      file: path, dataset: "/\(group)/\(dataset)", slices: ArraySlices("[\(picks.joined(separator: ", "))]"))
    let kept = axes.indices.filter { axes[$0] == "c" ? classNumber == nil : axes[$0] == "i" ? image == nil : true }
    let stored = try ArrayFile.open(location).1
    array = PermutedArray(
      stored, order: kept.indices.map { $0 }, axes: String(kept.map { axes[$0] }), spacing: kept.map { spacing[$0] })
  }

  /// The number of a class or channel.
  private static func number(ofClass name: String, in file: File, _ path: String) throws -> Int {
    let group = try file.group("entry/prediction")
    let channels = try group.exists("channel") ? group.dataset("channel").shape[0] : 0
    let names = try group.exists("class_names") ? group.readStrings("class_names") : (0..<channels).map { "\($0)" }
    if let index = names.firstIndex(of: name) ?? Int(name), names.indices.contains(index) { return index }
    throw RunError.noClass(path, name, classes: names)
  }

  /// The index of a coverage.
  private static func level(_ wanted: Double?, in file: File, _ path: String) throws -> Int {
    let levels = try file.read("entry/calibration/coverage", as: Double.self)
    if wanted == nil, levels.count == 1 { return 0 }
    guard let wanted, let index = levels.firstIndex(where: { abs($0 - wanted) < 1e-9 }) else {
      throw RunError.noLevel(path, levels: levels)
    }
    return index
  }
}
