import HDF5
import Host
import ImageFiles
import Imaging
import JobFiles

/// The likeliest classes in a results file, image by image; of one volume, each run of slices without a gap is an image.
struct PredictedLabels {
  /// One image, or a run of slices.
  struct Part {
    /// Its number in the data: of the image, or for one volume 0.
    var number: Int
    /// Its place in the datasets.
    var image: Int
    var extents: Extents
    /// Its first slice in the datasets.
    var z = 0
    /// Its first slice in the data.
    var origin = 0
  }

  let parts: [Part]
  /// Numbers of the classes whose objects are told apart.
  let classes: [Int]
  /// The names of all classes.
  let names: [String]
  /// Whether images are 3-D.
  let hasDepth: Bool
  /// Whether images have different extents.
  let isPadded: Bool
  /// Lengths of a voxel along z, y and x; 1 where they are not known.
  let voxel: [Double]
  /// What these are measured in; nil: voxels.
  let unit: String?
  /// The fingerprint of the job.
  let job: UInt64
  /// The datasets' scales by the names of their axes.
  let scales: [(name: String, values: [Double], unit: String?)]
  private let labels: Dataset
  /// Of each channel, 1 where it is kept; nil: all voxels count.
  private let kept: Dataset?
  private let deviation: NumberDataset?
  private let shape: [Int]

  /// Opens a results file.
  ///
  /// - Throws: `RunError` when it holds no classes of pixels, or not those of the rule; `HDF5Error`.
  init(_ path: String, _ rule: InstanceRule) throws {
    let file = try File(opening: path)
    job = try ResultsFile.job(of: file)
    let group = "entry/prediction"
    let axes = try file.group(group).attributes("axes", as: String.self)
    guard try file.exists("\(group)/class_names"), axes.contains("y") else {
      throw RunError.notResults(path, problem: "it holds no likeliest classes of pixels")
    }
    guard try file.exists("\(group)/labels") else {
      throw RunError.notInResults(path, "labels", there: try ResultsQuantity.words(in: file.group(group)))
    }
    labels = try file.dataset("\(group)/labels", cache: 64 << 20)
    guard try rule.voxels == .likeliest || file.exists("entry/statistics/kept") else {
      throw RunError.nothingKept(path)
    }
    kept = rule.voxels == .kept ? try file.dataset("entry/statistics/kept", cache: 64 << 20) : nil
    let hasSpread = try ResultsFile.hasSpread(file.group(group))
    deviation = hasSpread ? try NumberDataset(try file.dataset("\(group)/mean_errors", cache: 64 << 20)) : nil
    let shape = try labels.shape
    self.shape = shape
    let hasDepth = shape.count == 4
    self.hasDepth = hasDepth
    let names = try file.group(group).readStrings("class_names")
    self.names = names
    if let other = rule.classes?.first(where: { !names.contains($0) }) {
      throw RunError.noClass(path, other, classes: names)
    }
    if let connectivity = rule.connectivity, connectivity.isOfVolumes != hasDepth {
      let own = Connectivity.allCases.filter { $0.isOfVolumes == hasDepth }.map(\.rawValue).joined(separator: ", ")
      throw RunError.connectivity(connectivity.rawValue, isOfVolumes: hasDepth, known: own)
    }
    classes = names.indices.filter { index in rule.classes.map { $0.contains(names[index]) } ?? (index > 0) }
    // One output channel tells of the second class alone what is kept.
    if let kept, try kept.shape[1] < names.count, classes.contains(0) {
      throw RunError.noClass("what is kept in \(path)", names[0], classes: [names[1]])
    }
    let indices = try file.read("\(group)/indices", as: Int.self)
    let whole = Extents(z: hasDepth ? shape[1] : 1, y: shape[shape.count - 2], x: shape[shape.count - 1])
    let pixels = try OwnPixels(file.group(group))
    isPadded = pixels.isPadded
    if isPadded {
      parts = indices.enumerated().map { place, number in
        Part(number: number, image: place, extents: pixels.extents(of: place).map { Extents($0, missing: 1) } ?? whole)
      }
    } else if hasDepth, indices.count == shape[1], shape[0] == 1, indices.count != 1 {
      var runs: [Part] = []
      for (place, slice) in indices.enumerated() {
        if place > 0, slice == indices[place - 1] + 1 {
          runs[runs.count - 1].extents.z += 1
        } else {
          runs.append(
            Part(number: 0, image: 0, extents: Extents(z: 1, y: whole.y, x: whole.x), z: place, origin: slice))
        }
      }
      parts = runs
    } else {
      parts = indices.enumerated().map { Part(number: $1, image: $0, extents: whole) }
    }
    let shown = try ResultsFile.signal(of: file.group(group))
    let spacing = try ArrayFile.open(ArrayLocation(file: path, dataset: "/\(group)/\(shown)")).1.facts.spacing
    let known = spacing.suffix(hasDepth ? 3 : 2).compactMap(\.self)
    let common = known.first?.unit ?? ""
    let isKnown =
      known.count == (hasDepth ? 3 : 2) && !common.isEmpty && known.allSatisfy { $0.unit == common && $0.value > 0 }
    unit = isKnown ? common : nil
    voxel = isKnown ? (hasDepth ? [] : [1]) + known.map(\.value) : [1, 1, 1]
    scales = try axes.filter { $0 != "class" && $0 != "channel" }.map { name in
      let dataset = try file.dataset("\(group)/\(name)")
      let unit = try dataset.hasAttribute("units") ? dataset.attribute("units", as: String.self) : nil
      return (name, try dataset.read(as: Double.self), unit)
    }
  }

  /// Whether the results tell a spread over members.
  var hasSpread: Bool { deviation != nil }

  /// Where slices of a block stand in datasets without classes.
  func slab(_ block: InstanceFinder.Block, z: Range<Int>? = nil) -> Hyperslab {
    slab(ofImage: block.image, z: z ?? block.z)
  }

  /// Where slices of a part stand in datasets without classes.
  func slab(ofImage image: Int, z: Range<Int>) -> Hyperslab {
    let part = parts[image]
    return Hyperslab(
      start: [part.image] + (hasDepth ? [part.z + z.lowerBound] : []) + [0, 0],
      count: [1] + (hasDepth ? [z.count] : []) + [part.extents.y, part.extents.x])
  }

  /// Reads the classes of the slices of a block that are read.
  func read(_ block: InstanceFinder.Block, into buffer: UnsafeMutableBufferPointer<UInt8>) throws {
    let place = slab(block, z: block.read)
    _ = buffer.update(from: try labels.read(as: UInt8.self, place))
    guard let kept else { return }
    let channels = try kept.shape[1]
    for index in classes {
      let isKept = try kept.read(as: UInt8.self, Self.slab(place, ofChannel: min(index, channels - 1)))
      for (voxel, keeps) in isKept.enumerated() where keeps == 0 && buffer[voxel] == index {
        buffer[voxel] = Label.ignored
      }
    }
  }

  /// The same place in a dataset with channels behind images.
  private static func slab(_ place: Hyperslab, ofChannel channel: Int) -> Hyperslab {
    var slab = place
    slab.start.insert(channel, at: 1)
    slab.count.insert(1, at: 1)
    slab.stride.insert(1, at: 1)
    return slab
  }

  /// The standard deviation over members of a class's probability, in the slices of a block; empty when it is not there.
  func spread(ofClass index: Int, _ block: InstanceFinder.Block) throws -> [Float] {
    guard let deviation else { return [] }
    return try deviation.read(Self.slab(slab(block), ofChannel: min(index, try deviation.shape[1] - 1)))
  }

  /// Creates the dataset of objects' numbers. Collective.
  ///
  /// - Parameter depth: slices of a block.
  func createLabels(in file: SharedFile, depth: Int) throws -> SharedDataset {
    // Runs of slices do not begin at multiples of one chunk: then a chunk is one slice.
    let isWhole = !hasDepth || parts.allSatisfy { $0.z == 0 }
    let rows = [min(512, shape[shape.count - 2]), min(512, shape[shape.count - 1])]
    var layout = Layout.chunked([1] + (hasDepth ? [isWhole ? depth : 1] : []) + rows, checksum: true)
    if isPadded { layout.fill = 0 }
    return try file.createDataset("entry/instances/labels", of: Int32.self, shape: shape, layout: layout)
  }
}
