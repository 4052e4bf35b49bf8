import Host
import ImageFiles

/// Faults met while reading, counted, with the first place of each kind.
struct Faults {
  private let target: TargetSource
  /// The classes that labels stand for; nil: the labels are the classes.
  private let classes: LabelMap?
  private var label: (location: ArrayLocation, value: Int, count: Int, first: [Int])?
  private var fraction: (location: ArrayLocation, value: Double, count: Int, first: [Int])?
  private var notFinite: [(location: ArrayLocation, count: Int, first: [Int])] = []

  init(_ target: TargetSource, _ classes: LabelMap? = nil) { (self.target, self.classes) = (target, classes) }

  /// Whether none was met.
  var isEmpty: Bool { label == nil && fraction == nil && notFinite.isEmpty }

  /// Looks for values that are not finite in `[channel, z, y, x]`.
  mutating func look<Value: BinaryFloatingPoint>(
    at values: UnsafeBufferPointer<Value>, of source: ImageSource, _ box: Box, image: Int
  ) {
    // The sum of x·0 is NaN when a value is not finite; almost always it is 0.
    var sum: Value = 0
    for value in values { sum += value * 0 }
    guard !sum.isFinite else { return }
    let count = values.count { !$0.isFinite }
    let location = source.part(ofImage: image).location
    if let known = notFinite.firstIndex(where: { $0.location == location }) {
      notFinite[known].count += count
    } else if let first = values.firstIndex(where: { !$0.isFinite }) {
      notFinite.append((location, count, Self.place(first, source, box, image)))
    }
  }

  /// Turns the labels of a box into classes; `Label.ignored` for the ignored label, and for faults.
  mutating func convert(
    _ labels: UnsafeBufferPointer<Int32>, to classes: UnsafeMutableBufferPointer<UInt8>, of source: ImageSource,
    _ box: Box, image: Int
  ) {
    let location = source.part(ofImage: image).location
    // Nearly all labels are classes themselves: what is below this bound and not the ignored label.
    let bound = self.classes == nil ? UInt32(target.classes) : 0
    let ignored = target.ignore.flatMap { Int32(exactly: $0) } ?? -1
    for i in 0..<labels.count {
      let label = labels[i]
      classes[i] =
        UInt32(bitPattern: label) < bound && label != ignored
        ? UInt8(truncatingIfNeeded: label)
        : convert(label, in: location) { Self.place(i, source, box, image) }
    }
  }

  /// The same of labels that may be no whole numbers.
  mutating func convert(
    _ labels: UnsafeBufferPointer<Double>, to classes: UnsafeMutableBufferPointer<UInt8>, of source: ImageSource,
    _ box: Box, image: Int
  ) {
    let location = source.part(ofImage: image).location
    for i in 0..<labels.count {
      classes[i] = convert(labels[i], in: location) { Self.place(i, source, box, image) }
    }
  }

  /// The class of a label that may be no whole number.
  mutating func convert(_ value: Double, in location: ArrayLocation, place: () -> [Int]) -> UInt8 {
    if let whole = Int32(exactly: value) { return convert(whole, in: location, place: place) }
    if fraction == nil { fraction = (location, value, 0, place()) }
    fraction?.count += 1
    return Label.ignored
  }

  /// The class that a label stands for; `Label.ignored` for the ignored label, and for a fault.
  mutating func convert(_ value: Int32, in location: ArrayLocation, place: () -> [Int]) -> UInt8 {
    // A label that no Int32 can be stands for "none is ignored".
    if Int64(value) == target.ignore.map({ Int64($0) }) ?? .max { return Label.ignored }
    if let classes {
      if let known = classes[Int(value)], known < target.classes { return UInt8(known) }
    } else if 0 <= value && value < Int32(target.classes) {
      return UInt8(value)
    }
    if label == nil { label = (location, Int(value), 0, place()) }
    label?.count += 1
    return Label.ignored
  }

  /// Throws when a fault was met.
  func raise() throws(ImagingError) {
    if let fraction {
      throw ImagingError.labelNotWhole(
        fraction.location, value: fraction.value, count: fraction.count, first: fraction.first)
    }
    if let label, let classes {
      throw ImagingError.labelNotMapped(
        label.location, value: label.value, count: label.count, first: label.first, mapped: classes.labels)
    }
    if let label {
      throw ImagingError.labelOutsideClasses(
        label.location, value: label.value, count: label.count, first: label.first, classes: target.classes,
        ignore: target.ignore)
    }
    if let fault = notFinite.first {
      throw ImagingError.notFinite(fault.location, count: fault.count, first: fault.first)
    }
  }

  private static func place(_ index: Int, _ source: ImageSource, _ box: Box, _ image: Int) -> [Int] {
    let x = index % box.x.count
    let y = index / box.x.count % box.y.count
    let z = index / (box.x.count * box.y.count) % box.z.count
    return source.index(
      image: image, channel: index / box.count, z: box.z.lowerBound + z, y: box.y.lowerBound + y,
      x: box.x.lowerBound + x)
  }
}
