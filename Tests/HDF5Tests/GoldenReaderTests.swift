import Foundation
import HDF5
import TestSupport
import Testing

/// The reader of golden files itself; what is in them is compared where it is computed.
@Suite("GoldenReader")
struct GoldenReaderTests {
  @Test(
    "every group of every file is read whole",
    arguments: ["ops.h5", "losses.h5", "optimizers.h5", "networks.h5", "training.h5", "uncertainty.h5"])
  func everything(_ name: String) throws {
    let groups = try Golden(name).groups
    #expect(!groups.isEmpty)
    for group in groups {
      let names = try group.arrayNames
      #expect(!names.isEmpty, "\(group.name)")
      for path in names {
        let array = try group.array(path)
        #expect(array.shape.reduce(1, *) == array.values.count, "\(group.name)/\(path)")
      }
      for setting in try group.settingNames {
        switch try group.group.attributeType(setting) {
        case .string: _ = try group.string(setting)
        case .bool: _ = try group.flag(setting)
        default: _ = try group.number(setting)
        }
      }
    }
  }

  @Test("settings in JSON are decoded")
  func settings() throws {
    struct Topology: Decodable {
      // swift-format-ignore: AlwaysUseLowerCamelCase
      var image_shape: [Int]
      var depth: Int
      // swift-format-ignore: AlwaysUseLowerCamelCase
      var growth_rate: Double
    }
    for group in try Golden("networks.h5").groups where group.name.hasPrefix("tunet_") {
      let topology = try group.settings("topology", as: Topology.self)
      #expect(topology.image_shape == Array(try group.array("x").shape.dropFirst(2)))
      let order = try group.settings("order", as: [String].self)
      #expect(Set(order) == Set(try group.arrayNames(in: "state")))
      #expect(throws: GoldenError.self) { try group.settings("order", as: [Int].self) }
    }
  }

  @Test("Booleans, integers and doubles keep their types")
  func types() throws {
    let file = try Golden("uncertainty.h5")
    let sets = try file.group("conformal/0/lac_0.1").array("sets", of: Bool.self)
    #expect(sets.shape.count == 2 && sets.values.contains(true) && sets.values.contains(false))
    #expect(try file.group("metrics").integers("labels").values.min() == -1)
    #expect(try file.group("metrics").doubles("f1_micro").shape == [])
  }

  @Test("the small files hold every kind of operation of the full ones")
  func kinds() throws {
    let kinds = Set(try Golden("ops.h5").groups.map { try $0.string("kind") })
    for kind in ["conv", "convtranspose", "batchnorm", "instancenorm", "maxpool", "upsample"] {
      #expect(kinds.contains(kind + "2d"))
      #expect(kinds.contains(kind + "3d"))
    }
    #expect(kinds.isSuperset(of: ["linear", "groupnorm", "softmax", "relu"]))
  }
}

@Suite("Comparison of arrays")
struct ClosenessTests {
  @Test("arrays within the tolerance are close")
  func close() {
    #expect(expectClose([1, 2, 100.009], [1, 2, 100], relative: 1e-4))
    #expect(expectClose([Float](), [], relative: 0))
    #expect(expectClose([Float.infinity], [.infinity]))
    #expect(expectGradientClose([1e-6, 0], [0, 0], largest: 1))
  }

  @Test("a difference, a NaN and another length are found")
  func far() {
    withKnownIssue { expectClose([1, 2, 100.02], [1, 2, 100], relative: 1e-4) }
    withKnownIssue { expectClose([1, Float.nan], [1, 2]) }
    withKnownIssue { expectClose([1], [Float.nan]) }
    withKnownIssue { expectClose([Float(1)], [1, 2]) }
    withKnownIssue { expectGradientClose([1e-5], [0], largest: 1) }
  }
}
