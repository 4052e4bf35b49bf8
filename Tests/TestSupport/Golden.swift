import Foundation
import HDF5
import Testing

/// A file of reference values: `Tests/Fixtures/NAME`, or the one in the folder that `TUTTI_GOLDEN` names.
///
/// Tests walk whatever groups a file holds, so a file of the same form with other shapes must pass as well.
public struct Golden: Sendable {
  /// Where the files are.
  public static var folder: String {
    if let folder = ProcessInfo.processInfo.environment["TUTTI_GOLDEN"], !folder.isEmpty { return folder }
    return fixtures
  }

  /// `Tests/Fixtures`, found beside this source file.
  public static var fixtures: String {
    Repository.path("Tests/Fixtures")
  }

  public let file: File

  /// Opens `ops.h5`, `losses.h5`, `optimizers.h5`, `networks.h5`, `training.h5`, `uncertainty.h5` or `confidence.h5`; the
  /// fixture where the named folder has no such file.
  public init(_ name: String) throws {
    let path = Golden.folder + "/" + name
    file = try File(opening: FileManager.default.fileExists(atPath: path) ? path : Golden.fixtures + "/" + name)
  }

  /// The groups at the top, sorted by name.
  public var groups: [GoldenGroup] {
    get throws { try file.names().map { try group($0) } }
  }

  /// One group, by its path.
  public func group(_ path: String) throws -> GoldenGroup {
    GoldenGroup(group: try file.group(path), name: path)
  }
}

/// An array of a golden file, in row order.
public struct GoldenArray<Scalar: HDF5Scalar>: Sendable {
  public let shape: [Int]
  public let values: [Scalar]
}

/// A group of a golden file: arrays, perhaps nested (`state/conv.weight`), and settings as attributes.
public struct GoldenGroup: Sendable, CustomTestStringConvertible {
  public let group: Group
  /// Its path in the file, without the first slash.
  public let name: String

  public var testDescription: String { name }

  // MARK: Arrays

  /// The paths of all arrays, those of nested groups as `state/conv.weight`, sorted.
  public var arrayNames: [String] {
    get throws { try Self.arrays(in: group, prefix: "") }
  }

  /// The names of the arrays in a nested group, without its name; none when there is no such group.
  public func arrayNames(in nested: String) throws -> [String] {
    try group.exists(nested) ? Self.arrays(in: group.group(nested), prefix: "") : []
  }

  /// Whether there is an array or a group of this path.
  public func has(_ path: String) throws -> Bool { try group.exists(path) }

  /// The nested groups, sorted by name.
  public var groups: [GoldenGroup] {
    get throws {
      try group.names().filter { try group.kind(of: $0) == .group }.map {
        GoldenGroup(group: try group.group($0), name: name + "/" + $0)
      }
    }
  }

  /// An array as `Float`, whatever its stored type.
  public func array(_ path: String) throws -> GoldenArray<Float> { try array(path, of: Float.self) }

  /// An array as `Double`.
  public func doubles(_ path: String) throws -> GoldenArray<Double> { try array(path, of: Double.self) }

  /// An array as `Int`; the stored numbers must be whole.
  public func integers(_ path: String) throws -> GoldenArray<Int> { try array(path, of: Int.self) }

  /// An array of any number type.
  public func array<Scalar: HDF5Scalar>(_ path: String, of type: Scalar.Type) throws -> GoldenArray<Scalar> {
    let dataset = try group.dataset(path)
    return GoldenArray(shape: try dataset.shape, values: try dataset.read(as: type))
  }

  /// The arrays of a nested group by name.
  public func arrays(in nested: String) throws -> [String: GoldenArray<Float>] {
    Dictionary(
      uniqueKeysWithValues: try arrayNames(in: nested).map { ($0, try array(nested + "/" + $0)) })
  }

  /// The largest magnitude over all arrays of a nested group, for instance of all gradients; 0 when there are none.
  public func largest(in nested: String) throws -> Float {
    try arrayNames(in: nested).map { try array(nested + "/" + $0).values.reduce(0) { max($0, abs($1)) } }.max() ?? 0
  }

  private static func arrays(in group: Group, prefix: String) throws -> [String] {
    try group.names().flatMap { name -> [String] in
      switch try group.kind(of: name) {
      case .dataset: [prefix + name]
      case .group: try arrays(in: group.group(name), prefix: prefix + name + "/")
      default: []
      }
    }
  }

  // MARK: Settings

  /// The names of the settings.
  public var settingNames: [String] {
    get throws { try group.attributeNames() }
  }

  /// Whether there is a setting of this name.
  public func hasSetting(_ name: String) throws -> Bool { try group.hasAttribute(name) }

  public func string(_ name: String) throws -> String { try group.attribute(name, as: String.self) }

  public func number(_ name: String) throws -> Double { try group.attribute(name, as: Double.self) }

  public func integer(_ name: String) throws -> Int { try group.attribute(name, as: Int.self) }

  public func flag(_ name: String) throws -> Bool { try group.attribute(name, as: Bool.self) }

  /// A setting that may be missing.
  public func number(_ name: String, default value: Double) throws -> Double {
    try hasSetting(name) ? number(name) : value
  }

  /// A setting that may be missing.
  public func integer(_ name: String, default value: Int) throws -> Int {
    try hasSetting(name) ? integer(name) : value
  }

  /// A setting that may be missing.
  public func flag(_ name: String, default value: Bool) throws -> Bool {
    try hasSetting(name) ? flag(name) : value
  }

  /// A setting that may be missing.
  public func string(_ name: String, default value: String) throws -> String {
    try hasSetting(name) ? string(name) : value
  }

  /// A setting that holds JSON, decoded: a list such as `[0.9, 0.999]`, a dictionary, a list of names.
  public func settings<Value: Decodable>(_ name: String, as type: Value.Type = Value.self) throws -> Value {
    do {
      return try JSONDecoder().decode(type, from: Data(try string(name).utf8))
    } catch let error as DecodingError {
      throw GoldenError(description: "\(self.name): the setting ‘\(name)’ is not JSON of \(type): \(error)")
    }
  }
}

/// A golden file that is not as expected.
public struct GoldenError: Error, CustomStringConvertible {
  public let description: String
}
