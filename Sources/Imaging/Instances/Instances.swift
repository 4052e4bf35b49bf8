/// One object of an image.
public struct Instance: Hashable, Sendable {
  /// The number of its image.
  public let image: Int
  /// Its number among the objects of the image, from 1, in the order of their first voxels.
  public let number: Int
  /// The label of its voxels.
  public let label: UInt8
  /// Its size, place and shape; of no voxel when objects were not measured.
  public let moments: InstanceMoments
}

/// The objects of all images, image by image, in the order of numbers.
///
/// Small ones take 16 bytes: their moments are found when they are asked for.
public struct Instances: RandomAccessCollection, Sendable {
  /// The place of the first object.
  public let startIndex = 0
  /// How many objects there are.
  public let endIndex: Int
  private let images: [(image: Int, first: Int)]
  /// The first object of each image.
  private let starts: [Int]
  /// Empty when all are 1.
  private let labels: [UInt8]
  private let records: InstanceRecords?

  /// - Parameters:
  ///   - images: the images with the first object of each.
  ///   - labels: of each object; empty when all are 1.
  init(count: Int, images: [(image: Int, first: Int)], labels: [UInt8], records: InstanceRecords?) {
    (endIndex, self.images, self.labels, self.records) = (count, images, labels, records)
    starts = images.map(\.first)
  }

  /// The object at a place, with its moments.
  public subscript(place: Int) -> Instance {
    let image = images[starts.partitioningIndex { $0 > place } - 1]
    return Instance(
      image: image.image, number: place - image.first + 1, label: label(place),
      moments: records?[place] ?? InstanceMoments())
  }

  /// The label of an object.
  public func label(_ place: Int) -> UInt8 { labels.isEmpty ? 1 : labels[place] }

  /// The images that have pieces of objects, and the places of their objects.
  public var byImage: [(image: Int, places: Range<Int>)] {
    images.indices.map { (images[$0].image, starts[$0]..<($0 + 1 < starts.count ? starts[$0 + 1] : count)) }
  }

  /// The numbers of all objects in their images.
  public var numbers: [Int32] { byImage.flatMap { (0..<$0.places.count).map { Int32($0 + 1) } } }

  /// The sizes, boxes and centroids of all objects; empty when they were not measured.
  public var columns: InstanceColumns { records.map { InstanceColumns($0) } ?? InstanceColumns() }
}
