import Networks
import TestSupport
import Testing

/// Whole networks against DLSIA on PyTorch.
@Suite struct NetworkGoldenTests {
  @Test func `every network of a family that is built gives DLSIA's values and gradients`() throws {
    var skipped: [String] = []
    var checked = 0
    for group in try Golden("networks.h5").groups {
      guard let run = try run(of: group) else {
        skipped.append(group.name)
        continue
      }
      try run.check(samplesPerShard: 1, threads: 2)
      try run.check(samplesPerShard: 2, threads: 1)
      checked += 1
    }
    #expect(checked > 0)
    reportSkipped("networks", skipped)
  }

  private func run(of group: GoldenGroup) throws -> GoldenRun? {
    let x = try group.array("x").shape
    let y = try group.array("y").shape
    switch try group.string("family") {
    case "tunet":
      let network = (try group.settings("topology") as TUNetTopology).network
      let graph = try network.graph(inputChannels: x[1], outputChannels: y[1], dimensions: x.count - 2)
      return GoldenRun(group: group, graph: graph) { tunetName($0, depth: network.depth) }
    case "tunet3plus":
      let network = (try group.settings("topology") as TUNet3PlusTopology).network
      let graph = try network.graph(inputChannels: x[1], outputChannels: y[1], dimensions: x.count - 2)
      return GoldenRun(
        group: group, graph: graph, name: { tunet3plusName($0, depth: network.levels.depth) },
        isDead: isDeadInTUNet3Plus)
    case "msdnet":
      let graph = try group.msdnet().graph(inputChannels: x[1], outputChannels: y[1], dimensions: x.count - 2)
      return GoldenRun(group: group, graph: graph, name: msdnetName)
    case "msae":
      let topology: MSAETopology = try group.settings("topology")
      let graph = try topology.network.graph(inputChannels: x[1], outputChannels: y[1], dimensions: x.count - 2)
      return GoldenRun(group: group, graph: graph) { autoencoderName($0, depth: topology.depth) }
    case "smsnet": return try smsnet(group, .planar)
    case "smsnet3d": return try smsnet(group, .volumetric)
    default: return nil
    }
  }

  private func smsnet(_ group: GoldenGroup, _ form: SMSNet.Form) throws -> GoldenRun {
    let x = try group.array("x").shape
    let edges: [SMSNetTopology.Edge] = try group.settings("edges")
    let nodes = edges.map { max($0.source, $0.target) }.max()! + 1
    let network = SMSNet(form: form, tracksRunningStatistics: false)
    let graph = try network.graph(
      topology: try SMSNetTopology(nodeCount: nodes, edges: edges), inputChannels: x[1],
      outputChannels: try group.array("y").shape[1], dimensions: x.count - 2)
    return GoldenRun(group: group, graph: graph, name: smsnetName)
  }
}
