import HDF5
import Host
import Imaging
import JobFiles
import MessagePassing
import Reports

/// The directions in which objects extend, found from the file of their numbers.
struct InstanceOrientations {
  /// How many voxels directions lead.
  private let radius: Int
  private var map: OrientationMap
  /// The classes of objects.
  private let names: [String]

  /// Counts the pairs of voxels of objects; ranks share the slices. Collective.
  ///
  /// - Parameters:
  ///   - labels: a file with `/entry/instances/labels`.
  ///   - classes: of each image the class of each object, by its number less 1; from 1.
  ///   - stop: called between slices.
  /// - Throws: `RemoteFailure`, on all ranks.
  init(
    radius: Int, of labels: String, classes: [[UInt8]], _ source: PredictedLabels, over world: Communicator,
    until stop: (() throws -> Void)?
  ) throws {
    self.radius = radius
    names = source.classes.map { source.names[$0] }
    let extents = source.parts.map(\.extents)
    map = OrientationMap(
      OrientationDirections(radius: radius, voxel: source.voxel, volume: source.hasDepth), classes: names.count,
      extents: extents)
    let mine = Shares(of: extents.reduce(0) { $0 + $1.z }, among: world.size)[world.rank]
    map = try world.agree {
      var map = map
      try File.with(labels) { file in
        let numbers = try file.dataset("entry/instances/labels", cache: 64 << 20)
        var first = 0
        for (image, extents) in extents.enumerated() {
          let own = mine.clamped(to: first..<first + extents.z)
          try map.add(own.lowerBound - first..<own.upperBound - first, of: extents) { z, slice in
            try stop?()
            let found = try numbers.read(as: Int32.self, source.slab(ofImage: image, z: z..<z + 1))
            for (index, number) in found.enumerated() {
              slice[index] = number > 0 ? classes[image][Int(number) - 1] : 0
            }
          }
          first += extents.z
        }
      }
      return map
    }
    map.pairs = try world.allReduce(map.pairs, .sum)
  }

  /// Adds the map to a file of objects (NeXus NXdata).
  ///
  /// - Throws: `HDF5Error`.
  func write(to entry: Group) throws {
    let directions = map.directions
    let group = try entry.createGroup("orientations")
    try group.setAttribute("NX_class", "NXdata")
    try group.setAttribute("signal", "autocorrelation")
    let scales =
      (directions.polar.isEmpty ? [] : [("polar", directions.polar, "from z")])
      + [("azimuth", directions.azimuth, "from x towards y")]
    try group.setAttribute("axes", ["class"] + scales.map(\.0))
    try group.setAttribute("radius", Int64(radius))
    let shape = scales.map(\.1.count)
    let data = try group.write(map.autocorrelation, shape: [names.count] + shape, to: "autocorrelation")
    try data.setAttribute(
      "long_name", "share of the pairs of voxels, \(radius) apart in a direction, that are both of objects of the class"
    )
    for (axis, scale) in scales.enumerated() {
      let dataset = try group.write(scale.1, to: scale.0)
      try dataset.setAttribute("units", "degree")
      try dataset.setAttribute("long_name", "angle \(scale.2)")
      try dataset.makeScale(scale.0)
      try data.attach(dataset, toAxis: axis + 1)
    }
    let width = directions.polar.isEmpty ? 2 : 3
    try group.write(
      directions.shifts.flatMap { $0.suffix(width).map { Int32($0) } }, shape: shape + [width], to: "shift"
    ).setAttribute("long_name", "the direction in whole voxels along \(width == 3 ? "z, y, x" : "y, x")")
    try group.write(names, to: "class_names")
  }

  /// The map of each class on a sphere; nil of images without depth.
  var picture: SVGPicture? {
    let directions = map.directions
    return directions.polar.isEmpty
      ? nil : Self.picture(map.autocorrelation, names, columns: directions.azimuth.count, radius: radius)
  }

  /// The same, of what `write` wrote; nil when it wrote nothing.
  ///
  /// - Throws: `HDF5Error`.
  static func picture(in entry: Group) throws -> SVGPicture? {
    guard try entry.exists("orientations/polar") else { return nil }
    let group = try entry.group("orientations")
    return picture(
      try group.read("autocorrelation", as: Double.self), try group.readStrings("class_names"),
      columns: try group.dataset("azimuth").shape[0], radius: Int(try group.attribute("radius", as: Int64.self)))
  }

  private static func picture(_ values: [Double], _ names: [String], columns: Int, radius: Int) -> SVGPicture {
    let count = values.count / max(1, names.count)
    return SVGPicture(
      column: names.enumerated().map { index, name in
        SphereChart(
          title: "Directions of \(name)", label: "pairs of voxels \(radius) apart that are both of objects",
          values: Array(values[index * count..<(index + 1) * count]), columns: columns
        ).picture
      })
  }
}
