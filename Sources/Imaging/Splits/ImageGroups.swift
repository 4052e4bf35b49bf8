import ImageFiles

/// Which images or slices are of one source: a number for each, of the person, sample or scan that it comes from.
///
/// Images of one group are alike, so a group serves for one part of the split alone, and is one unit of calibration.
public struct ImageGroups: Sendable, Hashable {
  /// Where the numbers are.
  public let location: ArrayLocation
  /// One for each image of a stack or slice of a volume.
  public let numbers: [Int]

  /// Groups as given.
  public init(location: ArrayLocation, numbers: [Int]) {
    self.location = location
    self.numbers = numbers
  }

  /// Reads the groups of the images of a source.
  ///
  /// - Throws: `ImagingError.splitLength` when there is not one number for each image or slice, `HDF5Error`.
  public init(_ location: ArrayLocation, of images: ImageSource) throws {
    let count = images.layout.isOneImage ? images.extents.z : images.imageCount
    let (location, array) = try ArrayFile.open(location)
    let shape = array.shape
    guard shape == [count] else {
      throw ImagingError.splitLength(location, shape: shape, expected: count, layout: images.layout)
    }
    self.init(location: location, numbers: try array.read(as: Int.self))
  }

  /// The groups that regions are of.
  public func numbers(of regions: [Region], layout: ImageLayout) -> [Int] {
    regions.map { numbers[layout.isOneImage ? $0.z.lowerBound : $0.image] }
  }

  /// Sees that no group is in two parts.
  ///
  /// - Parameter source: where the parts come from, for messages.
  /// - Throws: `ImagingError.tornGroup` with the first that is.
  func requireWhole(in parts: [Part?], of source: String, layout: ImageLayout) throws(ImagingError) {
    var seen: [Int: (part: Part, index: Int)] = [:]
    for (index, part) in parts.enumerated() {
      guard let part else { continue }
      guard let first = seen[numbers[index]] else {
        seen[numbers[index]] = (part, index)
        continue
      }
      guard first.part == part else {
        throw .tornGroup(
          location, group: numbers[index], first: first.index, first.part, second: index, part, source: source,
          layout: layout)
      }
    }
  }
}
