import HDF5
import Imaging

/// A slice of the test part, and where it stands in the results.
struct TestSlice {
  /// The slice alone.
  let region: Region
  /// The region of the test part that it is of.
  let part: Int
  /// Where it stands in that, counted from its first slice.
  let z: Int
  /// Image, and slice of a volume, in the results.
  private let place: (image: Int, z: Int)

  /// All slices of the test part of some data, in order.
  static func all(of data: LearningData, _ layout: ImageLayout) -> [TestSlice] {
    var slices: [TestSlice] = []
    for (index, region) in data.split.test.enumerated() {
      for z in region.z {
        slices.append(
          TestSlice(
            region: Region(image: region.image, z: z..<z + 1, height: region.height, width: region.width), part: index,
            z: z - region.z.lowerBound, place: layout.isOneImage ? (0, slices.count) : (index, z)))
      }
    }
    return slices
  }

  /// Where its answer stands in a dataset of predictions; of `mean`, all channels of it.
  ///
  /// - Parameter hasChannels: whether the dataset has the form's axis of channels.
  func slab(_ form: AnswerForm, hasChannels: Bool = true) -> Hyperslab {
    let channels = hasChannels ? form.channelExtents : []
    var start = [place.image] + channels.map { _ in 0 }
    var count = [1] + channels
    if !form.pixelAxes.isEmpty {
      start += (form.layout.hasDepth ? [place.z] : []) + [0, 0]
      count += (form.layout.hasDepth ? [1] : []) + [region.height, region.width]
    }
    return Hyperslab(start: start, count: count)
  }
}
