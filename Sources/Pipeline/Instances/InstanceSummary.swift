import HDF5
import Host

/// How many objects a file of objects holds, and how large they are, by class.
public struct InstanceSummary: Sendable {
  /// The figures as JSON has them.
  private let object: JSONValue

  /// Reads the table of a file that `InstanceSearch` wrote.
  ///
  /// - Throws: `HDF5Error`.
  /// - Complexity: O(*objects* log *objects*).
  public init(_ search: InstanceSearch) throws {
    object = try File.with(search.output) { file in
      let table = try file.group("entry/objects")
      var values: [String: JSONValue] = ["instances": .text(search.output), "table": .text(search.table)]
      if !search.rule.measures { values["table"] = nil }
      guard try table.exists("number") else {
        let count = try table.attribute("count", as: Int64.self)
        return .object(values.merging(["objects": .number(Double(count)), "classes": .object([:])]) { own, _ in own })
      }
      let (names, classes) = (try table.readStrings("class_names"), try table.read("class", as: Int.self))
      let columns = try ["size", "length"].map { try table.read($0, as: Double.self) }
      let voxels = try table.read("voxels", as: Int.self)
      values["objects"] = .number(Double(classes.count))
      for name in ["size", "length"] {
        values["\(name)_unit"] = .text(try table.dataset(name).attribute("units", as: String.self))
      }
      var told: [String: JSONValue] = [:]
      for number in Set(classes) where names.indices.contains(number) {
        let own = classes.indices.filter { classes[$0] == number }
        told[names[number]] = .object([
          "objects": .number(Double(own.count)), "voxels": .number(Double(own.reduce(0) { $0 + voxels[$1] })),
          "size": Self.figures(own.map { columns[0][$0] }), "length": Self.figures(own.map { columns[1][$0] }),
        ])
      }
      values["classes"] = .object(told)
      return .object(values)
    }
  }

  /// The mean, the extremes and the median of numbers, of which there is one at least.
  private static func figures(_ numbers: [Double]) -> JSONValue {
    func number(_ value: Double?) -> JSONValue { .number(value ?? .nan) }
    return .object([
      "minimum": number(numbers.min()), "median": number(numbers.median), "maximum": number(numbers.max()),
      "mean": .number(numbers.reduce(0, +) / Double(numbers.count)),
    ])
  }
}

extension InstanceSummary: Encodable {
  /// One object: the files, the number of objects, units, and of each class its objects, their voxels, sizes and lengths where they
  /// were measured.
  public func encode(to encoder: any Encoder) throws { try object.encode(to: encoder) }
}
