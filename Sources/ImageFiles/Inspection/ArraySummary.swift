import Foundation
import HDF5
import Host

/// What a person wants to know of an array before using it.
public struct ArraySummary: Sendable {
  /// Where the array is, with the dataset's name.
  public let location: ArrayLocation
  /// What the file says.
  public let facts: ArrayFacts
  /// The smallest and largest finite number; nil when there is none.
  public private(set) var range: ClosedRange<Double>?
  /// The mean of the finite numbers.
  public private(set) var mean = 0.0
  /// How many of the numbers are not finite.
  public private(set) var notFinite = 0
  /// How many numbers were looked at: all of them, or evenly spaced parts of a large array.
  public private(set) var looked = 0
  /// The number of elements of each value, when all are whole and there are few: what classes labels have.
  public private(set) var counts: [Int: Int]?

  /// The most different values that are taken for classes.
  private static let mostClasses = 32
  /// The most elements that are looked at.
  private static let mostElements = 1 << 28

  /// Reads an array, or evenly spaced parts of a large one, and counts.
  ///
  /// - Throws: `ImageFileError`, `HDF5Error`.
  /// - Complexity: memory for some 16 million elements.
  public init(_ location: ArrayLocation, _ array: any StoredArray) throws {
    self.location = location
    facts = array.facts
    counts = [:]
    var sum = 0.0
    for slab in Self.slabs(of: array) {
      let values = AlignedBuffer<Double>(count: slab.elements)
      try array.read(into: values.buffer, slab)
      take(UnsafeBufferPointer(values.buffer), &sum)
    }
    mean = looked > notFinite ? sum / Double(looked - notFinite) : 0
    if counts?.isEmpty == true { counts = nil }
  }

  private mutating func take(_ values: UnsafeBufferPointer<Double>, _ sum: inout Double) {
    var (low, high) = (range?.lowerBound ?? .infinity, range?.upperBound ?? -.infinity)
    var last: (value: Double, count: Int) = (.nan, 0)
    func add(_ run: (value: Double, count: Int)) {
      guard run.count > 0, counts != nil else { return }
      guard let whole = Int(exactly: run.value) else {
        counts = nil
        return
      }
      counts?[whole, default: 0] += run.count
      if counts.map({ $0.count > Self.mostClasses }) == true { counts = nil }
    }
    for value in values {
      guard value.isFinite else {
        notFinite += 1
        continue
      }
      low = min(low, value)
      high = max(high, value)
      sum += value
      if value == last.value {
        last.count += 1
      } else {
        add(last)
        last = (value, 1)
      }
    }
    add(last)
    looked += values.count
    if low <= high { range = low...high }
  }

  /// Regions of some 16 million elements: all of the array, or evenly spaced ones of a large array.
  private static func slabs(of array: any StoredArray) -> [Hyperslab] {
    let shape = array.shape
    guard let first = shape.first, !shape.contains(0) else { return shape.isEmpty ? [Hyperslab(all: shape)] : [] }
    // The first axis is walked; where one of its elements is too large, its middle part stands for it.
    var whole = Hyperslab(all: shape)
    var element = shape.dropFirst().reduce(1, *)
    for axis in shape.indices.dropFirst() where element > 1 << 24 {
      let count = max(1, shape[axis] * (1 << 24) / element)
      whole.start[axis] = (shape[axis] - count) / 2
      whole.count[axis] = count
      element = whole.count.dropFirst().reduce(1, *)
    }
    let depth = max(1, min(first, (1 << 24) / element))
    let number = (first + depth - 1) / depth
    let most = max(1, mostElements / (depth * element))
    return (0..<min(number, most)).map { index in
      var slab = whole
      let place = number <= most ? index : index * number / most
      slab.start[0] = place * depth
      slab.count[0] = min(depth, first - place * depth)
      return slab
    }
  }
}

extension ArraySummary: CustomStringConvertible {
  public var description: String {
    var lines: [(String, String)] = [("format", facts.format)]
    let axes = facts.axes.map { zip($0, facts.shape).map { "\($0) \($1)" }.joined(separator: ", ") }
    lines.append(("shape", "\(facts.shape)" + (axes.map { " (\($0))" } ?? "; the file does not name the axes")))
    if let names = facts.channels { lines.append(("channels", names.joined(separator: ", "))) }
    lines.append(("type", "\(facts.elementType)"))
    lines.append(
      ("stored", (facts.chunk.map { "in chunks of \($0)" } ?? "in rows") + (facts.compression.map { ", \($0)" } ?? "")))
    let sizes = zip(Array(facts.axes ?? ""), facts.spacing).compactMap { letter, length in
      length.map { "\(letter) \(Self.text($0.value)) \($0.unit)".trimmed }
    }
    lines.append(("voxel size", sizes.isEmpty ? "not known" : sizes.joined(separator: ", ")))
    let total = facts.shape.reduce(1, *)
    let part = looked < total ? " (\(looked) of \(total) numbers were looked at)" : ""
    if let range {
      lines.append(
        ("range", "\(Self.text(range.lowerBound)) to \(Self.text(range.upperBound)), mean \(Self.text(mean))\(part)"))
    }
    if notFinite > 0 { lines.append(("not finite", "\(notFinite) numbers")) }
    if let counts {
      let shares = counts.sorted { $0.key < $1.key }.map { value, count in
        "\(value): \(Self.percent(count, of: looked))"
      }
      lines.append(("values", shares.joined(separator: ", ")))
    }
    lines += facts.notes.map { ("note", $0) }
    return lines.reduce("\(location)") { text, line in
      text + "\n  " + line.0 + String(repeating: " ", count: 12 - line.0.count) + line.1
    }
  }

  /// A whole number as it is, another in six digits.
  static func text(_ value: Double) -> String {
    if let whole = Int(exactly: value), abs(value) < 1e15 { return "\(whole)" }
    return String(format: "%.6g", value)
  }

  private static func percent(_ count: Int, of all: Int) -> String {
    let share = 100 * Double(count) / Double(max(1, all))
    return share > 0 && share < 0.01 ? "below 0.01 %" : "\((share * 100).rounded() / 100) %"
  }
}

extension ArraySummary: Encodable {
  private enum Key: String, CodingKey {
    case location, format, shape, axes, channels, type, chunks, compression, voxelSize, minimum, maximum, mean,
      notFinite, looked,
      values, notes
  }

  public func encode(to encoder: any Encoder) throws {
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(location.description, forKey: .location)
    try values.encode(facts.format, forKey: .format)
    try values.encode(facts.shape, forKey: .shape)
    try values.encode(facts.axes, forKey: .axes)
    if let channels = facts.channels { try values.encode(channels, forKey: .channels) }
    try values.encode(facts.elementType.description, forKey: .type)
    try values.encode(facts.chunk, forKey: .chunks)
    try values.encode(facts.compression, forKey: .compression)
    try values.encode(facts.spacing.map { $0?.description }, forKey: .voxelSize)
    try values.encode(range?.lowerBound, forKey: .minimum)
    try values.encode(range?.upperBound, forKey: .maximum)
    try values.encode(mean, forKey: .mean)
    try values.encode(notFinite, forKey: .notFinite)
    try values.encode(looked, forKey: .looked)
    if let counts { try values.encode(counts, forKey: .values) }
    try values.encode(facts.notes, forKey: .notes)
  }
}
