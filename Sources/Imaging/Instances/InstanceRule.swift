import Settings

/// What an instance is: which voxels of which classes are of one object, and which objects count.
public struct InstanceRule: SettingsSection, Hashable {
  /// The names of the classes; nil: each class but the first.
  public var classes: [String]?
  /// Which voxels of a class are looked at.
  public var voxels = InstanceVoxels.likeliest
  /// Nil: voxels that touch at all are of one object.
  public var connectivity: Connectivity?
  /// Objects of fewer voxels are left out.
  public var smallest = 1
  /// Whether enclosed regions of other classes become part of the objects around them.
  public var fillsHoles = false
  /// The distance, in voxels, at which the autocorrelation of objects is taken in all directions; nil: it is not.
  public var autocorrelation: Int?
  /// Whether each object is measured; else only its voxels are told.
  public var measures = true

  public init() {}

  public static let settings: [Setting<Self>] = [
    Setting(
      "classes", \.classes, .list(of: .text, 1...), otherwise: "each class but the first",
      "the classes whose objects are told apart; voxels of two classes are never of one object"),
    Setting(
      "voxels", \.voxels, .words(InstanceVoxels.self, noun: "choice of voxels"),
      "which voxels can be of objects: all whose class is the likeliest (`likeliest`), or of these those that the map `kept` of "
        + "`prediction.statistics` keeps, whose class is likely although the members differ (`kept`)"),
    Setting(
      "connectivity", \.connectivity, .words(Connectivity.self, noun: "connectivity"),
      otherwise: "8 in planes, 26 in volumes",
      "with how many neighbours a voxel is of one object: those beside it (4 or 6), across edges too (8 or 18), across "
        + "corners too (26)"),
    Setting("smallest", \.smallest, .integer(1...1_000_000_000), "objects of fewer voxels than this are left out"),
    Setting(
      "fill-holes", \.fillsHoles, .boolean,
      "whether regions of other classes that are enclosed by objects of one class become part of them; regions at the "
        + "image's border are none"),
    Setting(
      "autocorrelation", \.autocorrelation, .integer(1...1000), otherwise: "directions are not looked at",
      "the distance, in voxels, at which it is counted how often two voxels are both of objects, by the direction from one to "
        + "the other: long objects show how they lie"),
    Setting(
      "measures", \.measures, .boolean,
      "whether each object is measured; else only the number of its object is written for every voxel, and no table: "
        + "quicker and in less memory where objects are very many"),
  ]

  /// The connectivity in images of a kind.
  public func connectivity(volume: Bool) -> Connectivity { connectivity ?? .standard(volume: volume) }
}

/// Which voxels of a class can be of objects.
public enum InstanceVoxels: String, CaseIterable, Hashable, Sendable, SettingConvertible {
  /// Those whose likeliest class it is.
  case likeliest
  /// Of these, those whose probability is high by mean less spread (DLSIA, arXiv 2308.02559, IV-B).
  case kept
}

extension Connectivity {
  /// By which the background is connected, so that an object's surface parts it into inside and outside.
  var ofBackground: Connectivity {
    switch self {
    case .four: .eight
    case .eight: .four
    case .six: .twentySix
    case .eighteen, .twentySix: .six
    }
  }
}
