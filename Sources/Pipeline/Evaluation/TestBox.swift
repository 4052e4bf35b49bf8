import HDF5
import Host
import Imaging

/// A part of the test set that is looked at in one piece, and where it stands in the results.
struct TestBox {
  /// The region of the test part that it is of.
  let region: Region
  /// The place of that in the list of regions.
  let part: Int
  /// Counted from the region's corner.
  let box: Box
  /// Image, and slice of a volume, in the results, of the region's first slice.
  private let place: (image: Int, z: Int)

  /// The voxels of a piece: a chunk, or several that follow each other, up to so many. Pieces are a function of the data
  /// and the results alone, since sums over them are joined in their order.
  private static let mostVoxels = 1 << 20

  /// All slices of the test part of some data, in order.
  static func slices(of data: LearningData, _ layout: ImageLayout) -> [TestBox] {
    slices(of: data.split.test, layout)
  }

  /// All slices of the regions that results are of, in order.
  static func slices(of regions: [Region], _ layout: ImageLayout) -> [TestBox] {
    list(regions, layout) { region, _ in
      (0..<region.z.count).map { Box(Extents(y: region.height, x: region.width)).moved(z: $0) }
    }
  }

  /// The test part in pieces of whole chunks of the results, each of which is then read once; in slices where these have no
  /// chunks.
  ///
  /// - Parameter chunk: extents along the axes of pixels, `[(z,) y, x]`; nil: there are none.
  static func pieces(of data: LearningData, _ layout: ImageLayout, chunk: [Int]?) -> [TestBox] {
    guard let chunk = chunk.flatMap({ Extents($0) }) else { return slices(of: data, layout) }
    return list(data.split.test, layout) { pieces(of: $0.extents, from: $1, chunk: chunk) }
  }

  /// A region in pieces, in the order z, y, x.
  ///
  /// - Parameter first: the slice of the results where the region begins; rows and columns begin at 0.
  static func pieces(of region: Extents, from first: Int, chunk: Extents) -> [Box] {
    func cut(_ extent: Int, by length: Int, from first: Int = 0) -> [Range<Int>] {
      var (ranges, start) = ([Range<Int>](), 0)
      while start < extent {
        let end = min(extent, ((first + start) / length + 1) * length - first)
        ranges.append(start..<end)
        start = end
      }
      return ranges
    }
    let piece = piece(of: region, chunk: chunk)
    return cut(region.z, by: piece.z, from: first).flatMap { z in
      cut(region.y, by: piece.y).flatMap { y in cut(region.x, by: piece.x).map { Box(z: z, y: y, x: $0) } }
    }
  }

  /// As many chunks along x as fit into a piece, then along y.
  private static func piece(of region: Extents, chunk: Extents) -> Extents {
    func several(_ chunk: Int, _ extent: Int, _ others: Int) -> Int {
      min(extent, chunk * max(1, mostVoxels / (chunk * others)))
    }
    let x = several(chunk.x, region.x, chunk.y * chunk.z)
    let y = x < region.x ? chunk.y : several(chunk.y, region.y, x * chunk.z)
    return Extents(z: chunk.z, y: y, x: x)
  }

  /// The voxels of the largest piece, where results have chunks of that shape.
  static func mostVoxels(of region: Extents, chunk: Extents) -> Int { piece(of: region, chunk: chunk).count }

  /// The test part of images that are answered as a whole: each is one.
  static func images(of data: LearningData, _ layout: ImageLayout) -> [TestBox] {
    list(data.split.test, layout) { region, _ in [Box(region.extents)] }
  }

  private static func list(
    _ regions: [Region], _ layout: ImageLayout, _ boxes: (_ region: Region, _ z: Int) -> [Box]
  ) -> [TestBox] {
    var slices = 0
    return regions.enumerated().flatMap { index, region in
      let place = layout.isOneImage ? (image: 0, z: slices) : (image: index, z: region.z.lowerBound)
      slices += region.z.count
      return boxes(region, place.z).map { TestBox(region: region, part: index, box: $0, place: place) }
    }
  }

  /// The box as one of its image.
  var inImage: Box { box.moved(z: region.z.lowerBound) }

  /// Where its answer stands in a dataset of predictions; of `mean`, all channels of it.
  ///
  /// - Parameter hasChannels: whether the dataset has the form's axis of channels.
  func slab(_ form: AnswerForm, hasChannels: Bool = true) -> Hyperslab {
    let channels = hasChannels ? form.channelExtents : []
    var start = [place.image] + channels.map { _ in 0 }
    var count = [1] + channels
    if !form.pixelAxes.isEmpty {
      start += (form.layout.hasDepth ? [place.z + box.z.lowerBound] : []) + [box.y.lowerBound, box.x.lowerBound]
      count += (form.layout.hasDepth ? [box.z.count] : []) + [box.y.count, box.x.count]
    }
    return Hyperslab(start: start, count: count)
  }
}
