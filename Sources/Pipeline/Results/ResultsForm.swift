import Foundation
import HDF5
import JobFiles
import Settings

/// What of a prediction a results file holds, and in which form.
struct ResultsForm {
  let section: Job.ResultsSection
  /// Whether answers are classes.
  let isOfClasses: Bool
  /// Members of the ensemble.
  let members: Int

  /// - Parameter section: nil: all, exact.
  init(_ section: Job.ResultsSection?, isOfClasses: Bool, members: Int) {
    self.section = section ?? .init()
    (self.isOfClasses, self.members) = (isOfClasses, members)
  }

  /// What evaluation and masks need of a prediction and these results do not hold exactly, as a form of its own; nil when
  /// they hold all.
  func missing(hasMasks: Bool) -> ResultsForm? {
    var needed: [ResultsQuantity] = [.mean, .spread] + (isOfClasses ? [.set] : [.lower, .upper])
    if hasMasks { needed.append(.labels) }
    let missing = needed.filter { !writes($0) || !numbers(of: $0).isExact }
    guard !missing.isEmpty else { return nil }
    var own = Job.ResultsSection()
    (own.write, own.compression) = (missing, .none)
    return ResultsForm(own, isOfClasses: isOfClasses, members: members)
  }

  /// The same packing for predictions that are written whole and exact.
  var whole: ResultsForm {
    var own = Job.ResultsSection()
    own.compression = section.compression
    return ResultsForm(own, isOfClasses: isOfClasses, members: members)
  }

  /// Whether a quantity is written where there is one.
  func writes(_ quantity: ResultsQuantity) -> Bool { section.write?.contains(quantity) ?? true }

  /// How the numbers of a quantity are stored.
  func numbers(of quantity: ResultsQuantity) -> NumberForm {
    guard quantity == .mean || quantity == .spread else { return .float32 }
    switch section.numberType {
    case .float32: return .float32
    case .float16: return .float16
    case .uint8:
      let (low, high) = (section.range?.first ?? 0, section.range?.last ?? 1)
      guard quantity == .spread else { return .uint8(low, high) }
      // The largest standard deviation of so many numbers of the range: half of them at each end.
      let count = Double(max(2, members))
      return .uint8(0, (high - low) / 2 * (count / (count - 1)).squareRoot())
    }
  }

  /// What differs from results that hold all, exact, in words; empty when nothing does.
  var description: String {
    var parts: [String] = []
    if let written = section.write { parts.append("\(written.map(\.rawValue).joined(separator: ", ")) alone") }
    if section.numberType != .float32 { parts.append("mean and spread as \(section.numberType.rawValue)") }
    if section.compression == .none { parts.append("not compressed") }
    return parts.joined(separator: "; ")
  }

  /// How a dataset is stored.
  func layout(_ chunk: [Int]) -> Layout {
    switch section.compression {
    case .none: .chunked(chunk, deflate: nil, shuffle: false, checksum: true)
    case .deflate(let level): .chunked(chunk, deflate: level, checksum: true)
    }
  }

  /// Says in a group what the form is, so that predictions of new images have it too.
  ///
  /// - Throws: `HDF5Error`.
  func describe(_ group: Group) throws {
    if section != .init() { try group.setAttribute("form", section.settingValue.canonicalText) }
    for quantity in [ResultsQuantity.mean, .spread] where try group.exists(quantity.dataset) {
      try NumberDataset.describe(quantity.dataset, in: group, numbers(of: quantity))
    }
  }

  /// The form that a group of predictions says it has; nil when it has all, exact.
  ///
  /// - Throws: `HDF5Error`, `DecodingError`.
  static func section(of group: Group) throws -> Job.ResultsSection? {
    guard try group.hasAttribute("form") else { return nil }
    let text = try group.attribute("form", as: String.self)
    return try Job.ResultsSection(settingValue: try JSONDecoder().decode(SettingValue.self, from: Data(text.utf8)))
  }
}
