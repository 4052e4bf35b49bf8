import Networks
import TestSupport
import Testing

/// The families' layers against those of DLSIA's networks; `Engine`'s tests compare what they compute.
@Suite struct ParameterGoldenTests {
  /// DLSIA's arguments.
  private struct TUNetArguments: Decodable {
    let depth: Int
    let baseChannels: Int
    let growthRate: Double
    let hiddenRate: Double

    private enum CodingKeys: String, CodingKey {
      case depth
      case baseChannels = "base_channels"
      case growthRate = "growth_rate"
      case hiddenRate = "hidden_rate"
    }
  }

  @Test func `every network of a family that is built has DLSIA's parameters, shape by shape`() throws {
    var skipped: [String] = []
    var checked = 0
    for group in try Golden("networks.h5").groups {
      let x = try group.array("x").shape
      let y = try group.array("y").shape
      guard let graph = try graph(of: group, inputChannels: x[1], outputChannels: y[1], dimensions: x.count - 2) else {
        skipped.append(group.name)
        continue
      }
      let extents = Array(x[2...])
      // What DLSIA makes and never runs has no gradient.
      let isDead = try group.string("family") == "tunet3plus" ? isDeadInTUNet3Plus : { _ in false }
      let dead = try group.arrays(in: "state").filter { isDead($0.key) }
      let unused = dead.filter { $0.key.hasSuffix(".weight") || $0.key.hasSuffix(".bias") }
      let parameters = try group.integer("parameters") - unused.values.reduce(0) { $0 + $1.values.count }
      #expect(try graph.costs(extents: extents).parameters == parameters, "\(group.name)")
      #expect(
        try graph.shapes(extents: extents).last == FeatureShape(channels: y[1], extents: Array(y[2...])),
        "\(group.name)")
      // Gradients are of parameters, the rest of the state is running statistics and counts of batches.
      let shapes = try group.arrays(in: "grad").values.map(\.shape)
      let layout = try graph.layout(extents: extents)
      #expect(sorted(layout.parameters.map(\.shape)) == sorted(shapes), "\(group.name)")
      let statistics = try group.arrays(in: "state").filter {
        $0.key.contains("running_") && dead[$0.key] == nil
      }.values.map(\.shape)
      #expect(sorted(layout.statistics.map(\.shape)) == sorted(statistics), "\(group.name)")
      checked += 1
    }
    #expect(checked > 0)
    if !skipped.isEmpty { print("networks.h5: families not built yet:", skipped.joined(separator: ", ")) }
  }

  @Test func `the nodes of every sparse network have as many channels as DLSIA's`() throws {
    var checked = 0
    for group in try Golden("networks.h5").groups where try group.hasSetting("channel_count") {
      let topology = try topology(of: group)
      let channels = topology.nodeChannels(inputChannels: try group.array("x").shape[1])
      let expected: [String: Int] = try group.settings("channel_count")
      #expect(expected.count == topology.nodeCount)
      for (node, count) in expected {
        #expect(channels[try #require(Int(node))] == count, "\(group.name), node \(node)")
      }
      checked += 1
    }
    #expect(checked > 0)
  }

  private func graph(
    of group: GoldenGroup, inputChannels: Int, outputChannels: Int, dimensions: Int
  ) throws -> NetworkGraph? {
    switch try group.string("family") {
    case "tunet":
      let arguments: TUNetArguments = try group.settings("topology")
      var settings = TUNet()
      settings.depth = arguments.depth
      settings.baseChannels = arguments.baseChannels
      settings.growthRate = arguments.growthRate
      settings.hiddenRate = arguments.hiddenRate
      return try settings.graph(
        inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
    case "tunet3plus":
      return try group.settings("topology", as: TUNet3PlusTopology.self).network.graph(
        inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
    case "msae":
      return try group.settings("topology", as: MSAETopology.self).network.graph(
        inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
    case "msdnet":
      return try group.msdnet().graph(
        inputChannels: inputChannels, outputChannels: outputChannels, dimensions: dimensions)
    case "smsnet", "smsnet3d":
      let form: SMSNet.Form = try group.string("family") == "smsnet" ? .planar : .volumetric
      return try SMSNet(form: form, tracksRunningStatistics: false).graph(
        topology: topology(of: group), inputChannels: inputChannels, outputChannels: outputChannels,
        dimensions: dimensions)
    default: return nil
    }
  }

  private func topology(of group: GoldenGroup) throws -> SMSNetTopology {
    let edges: [SMSNetTopology.Edge] = try group.settings("edges")
    return try SMSNetTopology(nodeCount: (edges.map(\.target).max() ?? 0) + 1, edges: edges)
  }

  private func sorted(_ shapes: [[Int]]) -> [[Int]] { shapes.sorted { $0.lexicographicallyPrecedes($1) } }
}
