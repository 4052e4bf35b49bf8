import HDF5
import Imaging
import MessagePassing

/// The datasets of a prediction in a results file (NeXus NXdata), written by all ranks tile by tile.
///
/// `mean` and `mean_errors` are `[image, class, (z,) y, x]`, `set` is `[level, image, class, …]`, `set_size` `[level, image, …]`.
/// A volume is an image extent of 1. A chunk is a tile's core, so that no two ranks share one.
final class PredictionDatasets {
  let file: File
  let volume: Bool
  let classes: Int
  let levels: Int
  private let mean: Dataset
  private let deviation: Dataset
  /// Nil without levels.
  private let sets: Dataset?
  private let sizes: Dataset?
  /// For each region, where its pixels begin: an image, and a slice of the volume.
  private let starts: [(image: Int, z: Int)]

  /// Makes the datasets. Collective.
  init(_ file: File, work: TileWork, volume: Bool, classes: Int, levels: Int) throws {
    self.file = file
    self.volume = volume
    self.classes = classes
    self.levels = levels
    var starts: [(image: Int, z: Int)] = []
    var slices = 0
    for (index, region) in work.regions.enumerated() {
      starts.append(volume ? (0, slices) : (index, 0))
      slices += region.z.count
    }
    self.starts = starts
    let extents = work.regions[0].extents
    let core = work.grids[0].core
    let images = volume ? 1 : work.regions.count
    let pixels = volume ? [slices, extents.y, extents.x] : [extents.y, extents.x]
    // Runs of slices of several lengths do not begin at multiples of one chunk: then a chunk is one slice.
    let chunk = volume ? [work.regions.count == 1 ? core.z : 1, core.y, core.x] : [core.y, core.x]
    let group = try file.createGroup("entry/prediction")
    func make<Scalar: HDF5Scalar>(_ name: String, _ type: Scalar.Type, _ shape: [Int], _ chunks: [Int]) throws
      -> Dataset
    {
      try group.createDataset(name, of: type, shape: shape, layout: .chunked(chunks, deflate: 4, shuffle: true))
    }
    mean = try make("mean", Float.self, [images, classes] + pixels, [1, classes] + chunk)
    deviation = try make("mean_errors", Float.self, [images, classes] + pixels, [1, classes] + chunk)
    guard levels > 0 else {
      sets = nil
      sizes = nil
      return
    }
    sets = try make("set", UInt8.self, [levels, images, classes] + pixels, [1, 1, classes] + chunk)
    sizes = try make("set_size", UInt8.self, [levels, images] + pixels, [1, 1] + chunk)
  }

  /// One tile's values over its core.
  struct Tile {
    var region: Int
    var core: Box
    var mean: [Float]
    var deviation: [Float]
    /// `[level, class, z, y, x]` and `[level, z, y, x]`.
    var sets: [UInt8]
    var sizes: [UInt8]
  }

  /// Writes a tile, or takes part in the others' writes. Collective; a write that fails does not keep this rank from
  /// the ones after it, for which the others wait.
  func write(_ tile: Tile?) throws {
    let start = tile.map { starts[$0.region] } ?? (image: 0, z: 0)
    var first: [Int] = []
    var count: [Int] = []
    if let core = tile?.core {
      first = (volume ? [core.z.lowerBound + start.z] : []) + [core.y.lowerBound, core.x.lowerBound]
      count = (volume ? [core.z.count] : []) + [core.y.count, core.x.count]
    }
    func write<Scalar: HDF5Scalar>(
      _ values: [Scalar]?, _ dataset: Dataset?, at place: [Int], _ extents: [Int]
    ) -> Result<Void, any Error> {
      let slab = values == nil ? .nothing : Hyperslab(start: place + first, count: extents + count)
      return Result { try dataset?.write(values ?? [], slab, transfer: .collective) }
    }
    let results = [
      write(tile?.mean, mean, at: [start.image, 0], [1, classes]),
      write(tile?.deviation, deviation, at: [start.image, 0], [1, classes]),
      write(tile?.sets, sets, at: [0, start.image, 0], [levels, 1, classes]),
      write(tile?.sizes, sizes, at: [0, start.image], [levels, 1]),
    ]
    for result in results { try result.get() }
  }
}

/// The parts of a results file besides the datasets of the prediction. One process writes them.
enum ResultsFile {
  static let format = "tutti results"

  /// What a results file says of itself.
  struct Header {
    var job: UInt64
    var name: String
    var classes: [String]
    /// Images of the input, or slices of the volume, that the prediction holds.
    var indices: [Int]
    var volume: Bool
  }

  /// Makes the groups readable by NeXus tools: `@default` chain, signal, axes.
  static func describe(_ file: File, _ header: Header) throws {
    try file.setAttribute("default", "entry")
    try file.setAttribute("format", format)
    let entry = try file.group("entry")
    try entry.setAttribute("NX_class", "NXentry")
    try entry.setAttribute("default", "prediction")
    try entry.setAttribute("job", header.job)
    try entry.write("\(header.name): ensemble prediction", to: "title")
    let prediction = try entry.group("prediction")
    try prediction.setAttribute("NX_class", "NXdata")
    try prediction.setAttribute("signal", "mean")
    let names = ["image", "class"] + (header.volume ? ["z"] : []) + ["y", "x"]
    try prediction.setAttribute("axes", names)
    let mean = try prediction.dataset("mean")
    let shape = try mean.shape
    try mean.setAttribute("long_name", "mean probability over the members")
    try prediction.dataset("mean_errors").setAttribute("long_name", "standard deviation over the members")
    if try prediction.exists("set") {
      try prediction.dataset("set").setAttribute("long_name", "1 where the class is in the prediction set")
      try prediction.dataset("set_size").setAttribute("long_name", "number of classes in the prediction set")
    }
    for (axis, name) in names.enumerated() {
      var values = Array(0..<shape[axis])
      if name == "z" || (name == "image" && !header.volume) { values = header.indices }
      let scale = try prediction.write(values.map(Int32.init), to: name)
      try scale.makeScale(name)
      try prediction.setAttribute("\(name)_indices", Int32(axis))
      try mean.attach(scale, toAxis: axis)
    }
    try prediction.write(header.indices.map(Int32.init), to: "indices")
    try prediction.write(header.classes, to: "class_names")
  }

  /// The job that results belong to.
  static func job(of file: File) throws -> UInt64 {
    guard try file.hasAttribute("format"), try file.attribute("format", as: String.self) == format else {
      throw RunError.notResults(file.name, problem: "it has no such format attribute")
    }
    return try file.group("entry").attribute("job", as: UInt64.self)
  }
}
