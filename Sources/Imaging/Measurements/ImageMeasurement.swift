import Host
import Settings

/// What is measured of a class in an image: what a scientist publishes.
public struct ImageMeasurement: Hashable, Sendable, SettingConvertible {
  /// What is measured.
  public enum Kind: String, CaseIterable, Sendable {
    case fraction
    case volume
    case count
    case meanSize = "mean-size"
    case sizeQuantiles = "size-quantiles"
    case surface

    /// Whether objects are told apart for it.
    public var isOfObjects: Bool { self == .count || self == .meanSize || self == .sizeQuantiles }

    fileprivate var meaning: String {
      switch self {
      case .fraction: "the part of the image's voxels that are of the class: a porosity, say"
      case .volume: "the volume of the class, in planes its area"
      case .count: "the number of objects: connected voxels of the class"
      case .meanSize: "the mean volume of an object, in planes its area"
      case .sizeQuantiles:
        "quantiles of the objects' volumes: the smallest size that at least such a part of them does not exceed"
      case .surface:
        "the surface of the class, in planes its boundary's length, by Crofton's formula with lines along the axes: 2/3 of the "
          + "area of all faces between voxels of the class and others, in planes π/4 of the length of all sides. It is "
          + "right in the mean over all directions; a plane along the axes is found too small by a third (in planes π/4). "
          + "The image's border is no surface"
      }
    }
  }

  /// What is measured.
  public var kind: Kind
  /// Of which class.
  public var options = Options()

  /// What may be said of a measurement.
  public struct Options: SettingsSection {
    /// The name of the class; nil: each class but the first.
    public var ofClass: String?
    /// Objects of fewer voxels do not count.
    public var smallest = 1
    /// Which voxels are of one object; nil: those that touch at all.
    public var connectivity: Connectivity?
    /// Which quantiles.
    public var quantiles = [0.1, 0.5, 0.9]

    public init() {}

    static let ofClass = Setting<Self>(
      "class", \.ofClass, .text, otherwise: "each class but the first", "the class that is measured")
    static let ofObjects: [Setting<Self>] = [
      Setting("smallest", \.smallest, .integer(1...1_000_000_000), "objects of fewer voxels than this do not count"),
      Setting(
        "connectivity", \.connectivity, .words(Connectivity.self, noun: "connectivity"),
        otherwise: "8 in planes, 26 in volumes",
        "with how many neighbours a voxel is of one object: those beside it (4 or 6), across edges too (8 or 18), across "
          + "corners too (26)"),
    ]
    static let ofQuantiles = Setting<Self>(
      "quantiles", \.quantiles, .list(of: .number(.from(0...1)), count: 1...100), "which quantiles")

    public static let settings: [Setting<Self>] = [ofClass] + ofObjects + [ofQuantiles]
  }

  /// A measurement as given.
  public init(_ kind: Kind, _ options: Options = Options()) { (self.kind, self.options) = (kind, options) }

  private static let variants = Variants<ImageMeasurement>(
    noun: "measurement",
    Kind.allCases.map { kind in
      switch kind {
      case .fraction, .volume, .surface:
        Variant(
          name: kind.rawValue, meaning: kind.meaning, defaults: ClassOptions(), { ImageMeasurement(kind, $0.options) },
          unwrap: { $0.kind == kind ? ClassOptions(options: $0.options) : nil })
      case .count, .meanSize:
        Variant(
          name: kind.rawValue, meaning: kind.meaning, defaults: ObjectOptions(), { ImageMeasurement(kind, $0.options) },
          unwrap: { $0.kind == kind ? ObjectOptions(options: $0.options) : nil })
      case .sizeQuantiles:
        Variant(
          name: kind.rawValue, meaning: kind.meaning, defaults: Options(), { ImageMeasurement(kind, $0) },
          unwrap: { $0.kind == kind ? $0.options : nil })
      }
    })

  /// What may stand in a file: a word, or a section with a name.
  public static var settingKind: SettingDeclaration.Kind {
    .or([
      .choice(.init(noun: "measurement", words: variants.names)), .variants(variants.declaration(default: nil)),
    ])
  }

  public init(settingValue value: SettingValue) throws(SettingError) { self = try Self.variants.read(value) }

  public var settingValue: SettingValue { Self.variants.write(self) }
}

/// The options of a measurement that knows no objects.
private struct ClassOptions: SettingsSection {
  var options = ImageMeasurement.Options()

  init() {}

  init(options: ImageMeasurement.Options) { self.options = options }

  static let settings: [Setting<Self>] = [ImageMeasurement.Options.ofClass.within(\.options)]
}

/// The options of a measurement of objects.
private struct ObjectOptions: SettingsSection {
  var options = ImageMeasurement.Options()

  init() {}

  init(options: ImageMeasurement.Options) { self.options = options }

  static let settings: [Setting<Self>] = ([ImageMeasurement.Options.ofClass] + ImageMeasurement.Options.ofObjects).map {
    $0.within(\.options)
  }
}

/// One number that is measured of the objects of one class.
public struct MeasuredQuantity: Hashable, Sendable {
  /// What is measured.
  public let measurement: ImageMeasurement
  /// The class's number and name.
  public let label: UInt8
  /// The name of the class.
  public let className: String
  /// Of quantiles, which one.
  public let quantile: Double?
  /// Whether images are volumes.
  public let volume: Bool
  /// Lengths of a voxel along z, y and x; 1 where they are not known.
  public let voxel: (z: Double, y: Double, x: Double)
  /// What these lengths are measured in; nil: voxels.
  public let lengthUnit: String?

  /// All numbers of some measurements, in their order.
  ///
  /// - Parameter classes: the names of all classes.
  public static func all(
    _ measurements: [ImageMeasurement], classes: [String], volume: Bool,
    voxel: (z: Double, y: Double, x: Double) = (1, 1, 1),
    lengthUnit: String? = nil
  ) -> [MeasuredQuantity] {
    measurements.flatMap { measurement -> [MeasuredQuantity] in
      let labels = classes.indices.filter { label in
        measurement.options.ofClass.map { $0 == classes[label] } ?? (label > 0)
      }
      return labels.flatMap { label -> [MeasuredQuantity] in
        let quantiles: [Double?] = measurement.kind == .sizeQuantiles ? measurement.options.quantiles : [nil]
        return quantiles.map {
          MeasuredQuantity(
            measurement: measurement, label: UInt8(label), className: classes[label], quantile: $0, volume: volume,
            voxel: voxel, lengthUnit: lengthUnit)
        }
      }
    }
  }

  /// What it is called: ‘count of void’, ‘size quantile 0.5 of void’.
  public var name: String {
    let what = quantile.map { "size quantile \($0)" } ?? measurement.kind.rawValue.replacing("-", with: " ")
    return "\(what) of \(className)"
  }

  /// What it is measured in; empty for a pure number.
  public var unit: String {
    let axes = volume ? 3 : 2
    return switch measurement.kind {
    case .fraction, .count: ""
    case .volume, .meanSize, .sizeQuantiles: lengthUnit.map { "\($0)^\(axes)" } ?? (volume ? "voxels" : "pixels")
    case .surface: lengthUnit.map { volume ? "\($0)^2" : $0 } ?? (volume ? "voxel faces" : "pixel sides")
    }
  }

  /// How voxels are joined to objects; nil where they are counted alone.
  public var connectivity: Connectivity? {
    guard measurement.kind.isOfObjects || measurement.kind == .surface else { return nil }
    return measurement.options.connectivity ?? .standard(volume: volume)
  }

  private var voxelVolume: Double { (volume ? voxel.z : 1) * voxel.y * voxel.x }

  /// The number for one image, or several together; NaN for the size of objects where there are none.
  public func value(of objects: MeasuredObjects) -> Double {
    let sizes = objects.sizes.drop { $0 < measurement.options.smallest }
    switch measurement.kind {
    case .fraction: return Double(objects.voxels) / Double(objects.extent)
    case .volume: return Double(objects.voxels) * voxelVolume
    case .count: return Double(sizes.count)
    case .meanSize: return Double(sizes.reduce(0, +)) / Double(sizes.count) * voxelVolume
    case .sizeQuantiles:
      guard !sizes.isEmpty else { return .nan }
      // 0.1 · 10 is not exactly 1.
      let place = Int(((quantile ?? 0) * Double(sizes.count) - 1e-9).rounded(.up))
      return Double(sizes[sizes.startIndex + min(max(place, 1), sizes.count) - 1]) * voxelVolume
    case .surface:
      let faces = (Double(objects.faces.z), Double(objects.faces.y), Double(objects.faces.x))
      guard volume else { return Double.pi / 4 * (faces.1 * voxel.x + faces.2 * voxel.y) }
      return 2.0 / 3 * (faces.0 * voxel.y * voxel.x + faces.1 * voxel.z * voxel.x + faces.2 * voxel.z * voxel.y)
    }
  }

  /// The least difference that counts: one object, or one voxel or face.
  public func resolution(of objects: MeasuredObjects) -> Double {
    switch measurement.kind {
    case .fraction: 1 / Double(max(1, objects.extent))
    case .count: 1
    case .volume, .meanSize, .sizeQuantiles: voxelVolume
    case .surface: volume ? Elementary.pow(voxelVolume, 2.0 / 3) : voxelVolume.squareRoot()
    }
  }

  /// The range that it lies in.
  public var range: ClosedRange<Double> { 0...(measurement.kind == .fraction ? 1 : .infinity) }

  public static func == (one: Self, other: Self) -> Bool {
    one.measurement == other.measurement && one.label == other.label && one.quantile == other.quantile
      && one.volume == other.volume && one.voxel == other.voxel && one.lengthUnit == other.lengthUnit
  }

  public func hash(into hasher: inout Hasher) {
    hasher.combine(measurement)
    hasher.combine(label)
    hasher.combine(quantile)
  }
}
