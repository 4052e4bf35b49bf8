import HDF5
import Host
import Imaging
import JobFiles
import MessagePassing
import Uncertainty

/// The datasets of a prediction in a results file (NeXus NXdata), to which all ranks write tiles.
///
/// `mean` and `mean_errors` are `[image, class, (z,) y, x]`, or `[image, (channel,) (z,) y, x]` when images are
/// answered with, or `[image, class]` when images are classified. `labels`, the most likely classes, have no axis of
/// classes. Sets are `set`, with a leading axis of levels, and `set_size`, without classes, and `doubt`, 0 where a set
/// is of one class and else 1; intervals are `lower` and `upper`, with a leading axis of levels; where quantiles are
/// predicted, they are
/// `quantiles`, with a leading axis of them, and `mean` is the middle one. Where images have gaps, `composite` is what was
/// measured with the mean in the gaps, `measured` 0 in these, and `composite_lower` and `composite_upper` are intervals that
/// are points where something was measured. `latent`, in a group of its own, is
/// `[member, image, channel]`, with axes of pixels where it has them. One volume is an image extent of 1. Where images
/// have different extents, those of the datasets are the largest; beyond an image's own, values are NaN, labels 255 and
/// sets empty. A chunk is a part of a tile's core (`ChunkShape`), so that no two ranks share one.
final class PredictionDatasets {
  let form: AnswerForm
  let levels: Int
  /// What of the prediction is written, and how.
  private let results: ResultsForm
  /// Nil of what is not written, here and below.
  private let mean: SharedDataset?
  /// Nil of answers without a spread.
  private let deviation: SharedDataset?
  /// The most likely classes; nil for values.
  private let labels: SharedDataset?
  /// Nil without quantiles.
  private let quantiles: SharedDataset?
  /// Nil without levels, or for values.
  private let sets: SharedDataset?
  private let sizes: SharedDataset?
  private let doubt: SharedDataset?
  /// Nil without levels, or for classes.
  private let lower: SharedDataset?
  private let upper: SharedDataset?
  /// What was measured with the prediction in its gaps, where that is, and its intervals; nil when it is not written.
  private let composite: SharedDataset?
  private let measured: SharedDataset?
  private let compositeLower: SharedDataset?
  private let compositeUpper: SharedDataset?
  /// What members reduce images to; nil when it is not written.
  private let latents: SharedDataset?
  /// Maps of statistics over members, with what they are.
  private let statistics: [(map: StatisticsSection.Map, dataset: SharedDataset)]
  /// For each region, where its pixels begin: an image, and a slice of the volume.
  private let starts: [(image: Int, z: Int)]
  /// Whether images have different extents.
  private let isPadded: Bool

  /// Creates the datasets. Collective.
  ///
  /// - Parameters:
  ///   - name: of the group.
  ///   - hasSpread: whether answers have a spread over members.
  ///   - hasComposite: whether gaps of images are filled by the prediction.
  ///   - latent: `[member, channel, (z, y, x)]` of the latent values; nil: none.
  ///   - maps: of statistics over members, in a group `statistics` of their own.
  init(
    _ file: SharedFile, _ name: String = "prediction", work: TileWork, form: AnswerForm, _ results: ResultsForm,
    levels: Int, hasSpread: Bool = true, hasComposite: Bool = false, latent: [Int]? = nil,
    maps: [StatisticsSection.Map] = []
  ) throws {
    self.form = form
    self.levels = levels
    self.results = results
    let (isOneImage, hasDepth) = (form.layout.isOneImage, form.layout.hasDepth)
    var starts: [(image: Int, z: Int)] = []
    var slices = 0
    for (index, region) in work.regions.enumerated() {
      starts.append(isOneImage ? (0, slices) : (index, 0))
      slices += region.z.count
    }
    self.starts = starts
    let all = work.regions.map(\.extents)
    isPadded = !isOneImage && !form.pixelAxes.isEmpty && all.contains { $0 != all[0] }
    // Along each axis cores are those of the longest image; shorter ones have equal cores, or a single one.
    let pixelBytes = 4 * form.channelExtents.reduce(1, *)
    let shapes = work.grids.map { ChunkShape.extents(of: $0, pixelBytes: pixelBytes) }
    func longest(_ axis: KeyPath<Extents, Int>) -> (extent: Int, chunk: Int) {
      let index = all.indices.max { all[$0][keyPath: axis] < all[$1][keyPath: axis] } ?? 0
      return (all[index][keyPath: axis], shapes[index][keyPath: axis])
    }
    let (z, y, x) = (longest(\.z), longest(\.y), longest(\.x))
    let extents = Extents(z: z.extent, y: y.extent, x: x.extent)
    let own = Extents(z: z.chunk, y: y.chunk, x: x.chunk)
    let images = isOneImage ? 1 : work.regions.count
    var pixels = hasDepth ? [isOneImage ? slices : extents.z, extents.y, extents.x] : [extents.y, extents.x]
    // Runs of slices of several lengths do not begin at multiples of one chunk: then a chunk is one slice.
    var chunk = hasDepth ? [!isOneImage || work.regions.count == 1 ? own.z : 1, own.y, own.x] : [own.y, own.x]
    if form.pixelAxes.isEmpty {
      pixels = []
      chunk = []
    }
    latents = try latent.map { shape in
      let (all, chunk) = ([shape[0], work.regions.count] + shape.dropFirst(), [shape[0], 1] + shape.dropFirst())
      return try file.createDataset(
        "entry/latent/latent", of: Float.self, shape: all, layout: results.layout(chunk))
    }
    let isPadded = isPadded
    func make<Scalar: PaddedScalar>(
      _ quantity: ResultsQuantity, _ type: Scalar.Type, _ shape: [Int], _ chunks: [Int], fill: Scalar = .padding,
      if isThere: Bool = true
    ) throws -> SharedDataset? {
      guard isThere, results.writes(quantity) else { return nil }
      var layout = results.layout(chunks)
      if isPadded { layout.fill = fill.number }
      return try file.createDataset("entry/\(name)/\(quantity.dataset)", of: type, shape: shape, layout: layout)
    }
    let (shape, chunks) = ([images] + form.channelExtents + pixels, [1] + form.channelExtents + chunk)
    func makeNumbers(_ quantity: ResultsQuantity) throws -> SharedDataset? {
      switch results.numbers(of: quantity) {
      case .float32: try make(quantity, Float.self, shape, chunks)
      case .float16: try make(quantity, Float16.self, shape, chunks)
      case .uint8: try make(quantity, UInt8.self, shape, chunks, fill: NumberForm.missing)
      }
    }
    mean = try makeNumbers(.mean)
    deviation = hasSpread ? try makeNumbers(.spread) : nil
    labels = try make(
      .labels, UInt8.self, [images] + pixels, [1] + chunk, fill: Label.ignored, if: form.task.hasClasses)
    let count = form.quantiles.count
    quantiles = try make(.quantiles, Float.self, [count] + shape, [1] + chunks, if: count > 0)
    let (hasSets, hasIntervals) = (levels > 0 && form.task.hasClasses, levels > 0 && !form.task.hasClasses)
    sets = try make(.set, UInt8.self, [levels] + shape, [1] + chunks, if: hasSets)
    sizes = try make(.setSize, UInt8.self, [levels, images] + pixels, [1, 1] + chunk, if: hasSets)
    doubt = try make(.doubt, UInt8.self, [levels, images] + pixels, [1, 1] + chunk, if: hasSets)
    statistics = try maps.map { map in
      let own = [images] + (map.hasChannels ? form.channelExtents : []) + pixels
      let parts = [1] + (map.hasChannels ? form.channelExtents : []) + chunk
      let leading = map.quantiles.map { [$0.count] } ?? []
      var layout = results.layout(leading.map { _ in 1 } + parts)
      if isPadded { layout.fill = map.isMask ? UInt8.padding.number : Float.padding.number }
      let path = "entry/statistics/\(map.name)"
      let dataset =
        map.isMask
        ? try file.createDataset(path, of: UInt8.self, shape: leading + own, layout: layout)
        : try file.createDataset(path, of: Float.self, shape: leading + own, layout: layout)
      return (map, dataset)
    }
    lower = try make(.lower, Float.self, [levels] + shape, [1] + chunks, if: hasIntervals)
    upper = try make(.upper, Float.self, [levels] + shape, [1] + chunks, if: hasIntervals)
    composite = try make(.composite, Float.self, shape, chunks, if: hasComposite)
    measured = try make(.measured, UInt8.self, [images] + pixels, [1] + chunk, if: hasComposite)
    let hasBoth = hasComposite && hasIntervals
    compositeLower = try make(.compositeLower, Float.self, [levels] + shape, [1] + chunks, if: hasBoth)
    compositeUpper = try make(.compositeUpper, Float.self, [levels] + shape, [1] + chunks, if: hasBoth)
  }

  /// One tile's values over its core.
  struct Tile {
    var region: Int
    var core: Box
    var mean: [Float]
    var deviation: [Float]
    /// `[z, y, x]`; empty for values.
    var labels: [UInt8] = []
    /// `[quantile, channel, z, y, x]`; empty when there are none.
    var quantiles: [Float] = []
    /// `[level, class, z, y, x]` and `[level, z, y, x]`; empty for values.
    var sets: [UInt8] = []
    var sizes: [UInt8] = []
    /// `[level, channel, z, y, x]`; empty for classes.
    var lower: [Float] = []
    var upper: [Float] = []
    /// As `mean`, `labels`, `lower` and `upper`; empty without gaps.
    var composite: [Float] = []
    var measured: [UInt8] = []
    var compositeLower: [Float] = []
    var compositeUpper: [Float] = []
    /// `[member, channel, (z, y, x)]`, of a tile that is a whole region.
    var latents: [Float] = []
    /// Of each map, `[(quantile,) (channel,) z, y, x]`.
    var statistics: [[Float]] = []
  }

  /// A tile as parts of the datasets, compressed.
  ///
  /// - Throws: `HDF5Error`.
  func parts(of tile: Tile) throws -> [SharedDataset.Part] {
    let start = starts[tile.region]
    var first: [Int] = []
    var count: [Int] = []
    if !form.pixelAxes.isEmpty {
      let core = tile.core
      first = (form.layout.hasDepth ? [core.z.lowerBound + start.z] : []) + [core.y.lowerBound, core.x.lowerBound]
      count = (form.layout.hasDepth ? [core.z.count] : []) + [core.y.count, core.x.count]
    }
    func part<Scalar: PaddedScalar>(
      _ values: [Scalar], _ dataset: SharedDataset?, at place: [Int], _ extents: [Int], fill: Scalar = .padding
    ) throws -> SharedDataset.Part? {
      try dataset?.part(
        values, Hyperslab(start: place + first, count: extents + count), fill: isPadded ? fill : nil)
    }
    let channels = form.channelExtents
    let origin = [start.image] + channels.map { _ in 0 }
    func numbers(
      _ values: [Float], _ dataset: SharedDataset?, _ quantity: ResultsQuantity
    ) throws -> SharedDataset.Part? {
      guard let dataset else { return nil }
      switch results.numbers(of: quantity) {
      case .float32: return try part(values, dataset, at: origin, [1] + channels)
      case .float16: return try part(NumberForm.halves(values), dataset, at: origin, [1] + channels)
      case .uint8(let scale, let offset):
        return try part(
          NumberForm.codes(values, scale: scale, offset: offset), dataset, at: origin, [1] + channels,
          fill: NumberForm.missing)
      }
    }
    var parts = [
      try numbers(tile.mean, mean, .mean),
      try numbers(tile.deviation, deviation, .spread),
      try part(tile.labels, labels, at: [start.image], [1], fill: Label.ignored),
      try part(tile.quantiles, quantiles, at: [0] + origin, [form.quantiles.count, 1] + channels),
      try part(tile.sets, sets, at: [0] + origin, [levels, 1] + channels),
      try part(tile.sizes, sizes, at: [0, start.image], [levels, 1]),
      try part(tile.sizes.map { $0 == 1 ? UInt8(0) : 1 }, doubt, at: [0, start.image], [levels, 1]),
      try part(tile.lower, lower, at: [0] + origin, [levels, 1] + channels),
      try part(tile.upper, upper, at: [0] + origin, [levels, 1] + channels),
      try part(tile.composite, composite, at: origin, [1] + channels),
      try part(tile.measured, measured, at: [start.image], [1]),
      try part(tile.compositeLower, compositeLower, at: [0] + origin, [levels, 1] + channels),
      try part(tile.compositeUpper, compositeUpper, at: [0] + origin, [levels, 1] + channels),
    ]
    for (own, values) in zip(statistics, tile.statistics) {
      let leading = own.map.quantiles.map { [$0.count] } ?? []
      let extents = leading + [1] + (own.map.hasChannels ? channels : [])
      let place = leading.map { _ in 0 } + (own.map.hasChannels ? origin : [start.image])
      parts.append(
        own.map.isMask
          ? try part(values.map { UInt8($0) }, own.dataset, at: place, extents)
          : try part(values, own.dataset, at: place, extents))
    }
    if let latents {
      let whole = latents.shape
      let slab = Hyperslab(
        start: whole.indices.map { $0 == 1 ? tile.region : 0 }, count: whole.enumerated().map { $0 == 1 ? 1 : $1 })
      parts.append(try latents.part(tile.latents, slab))
    }
    return parts.compactMap { $0 }
  }
}

/// Numbers of predictions, with what stands beyond the borders of smaller images.
private protocol PaddedScalar: HDF5Scalar {
  static var padding: Self { get }
  var number: Double { get }
}

extension Float: PaddedScalar {
  fileprivate static var padding: Float { .nan }
  fileprivate var number: Double { Double(self) }
}

extension Float16: PaddedScalar {
  fileprivate static var padding: Float16 { .nan }
  fileprivate var number: Double { Double(self) }
}

extension UInt8: PaddedScalar {
  fileprivate static var padding: UInt8 { 0 }
  fileprivate var number: Double { Double(self) }
}
