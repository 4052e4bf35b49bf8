import Networks
import Testing

@testable import Reports

@Suite("Drawings of networks")
struct NetworkPictureTests {
  private func shapes(_ graph: NetworkGraph, _ extents: [Int]) throws -> [FeatureShape] {
    try graph.shapes(extents: extents)
  }

  @Test("a sparse network is its topology: a vertex a node, an arc an edge with its dilation")
  func sparse() throws {
    let topology = try SMSNetTopology(
      nodeCount: 4,
      edges: [
        .init(source: 0, target: 1, dilation: 1, channels: 2), .init(source: 0, target: 2, dilation: 4, channels: 3),
        .init(source: 1, target: 3, dilation: 2, channels: 1), .init(source: 2, target: 3, dilation: 8, channels: 1),
        .init(source: 1, target: 2, dilation: 3, channels: 5),
      ])
    let graph = try SMSNet().graph(topology: topology, inputChannels: 1, outputChannels: 2, dimensions: 2)
    let diagram = try #require(ArcDiagram(graph, shapes: try shapes(graph, [16, 16])))
    #expect(diagram.vertices.map(\.name) == ["in", "1", "2", "out"])
    #expect(diagram.vertices.map(\.detail) == ["1 ch", "2 ch", "8 ch", "2 ch"])
    // Edges from hidden nodes to the output are 1×1, whatever dilation they were given.
    #expect(
      Set(diagram.arcs) == [
        .init(source: 0, target: 1, dilation: 1), .init(source: 0, target: 2, dilation: 4),
        .init(source: 1, target: 2, dilation: 3), .init(source: 1, target: 3, dilation: 1),
        .init(source: 2, target: 3, dilation: 1),
      ])
    let picture = try NetworkPicture(title: "member 0", graph: graph, extents: [16, 16])
    let parameters = try graph.layout(extents: [16, 16]).parameterCount
    #expect(picture.picture.text.contains("member 0: \(parameters) parameters"))
    #expect(picture.description.contains("4 nodes and 5 connections of dilations 1, 3, 4"))
  }

  @Test("in a dense network every layer has an arc from all before it")
  func dense() throws {
    var family = MSDNet()
    (family.layers, family.maximumDilation) = (5, 3)
    let graph = try family.graph(inputChannels: 1, outputChannels: 2, dimensions: 2)
    let diagram = try #require(ArcDiagram(graph, shapes: try shapes(graph, [16, 16])))
    #expect(diagram.vertices.count == 7)
    // 1 + 2 + … + 5 to layers, 6 to the output.
    #expect(diagram.arcs.count == 21)
    #expect(diagram.arcs.filter { $0.target == 5 }.allSatisfy { $0.dilation == 2 })
  }

  @Test("a U-Net goes down and up again, and its picture tells channels, shapes and parameters")
  func levels() throws {
    var family = TUNet()
    (family.depth, family.baseChannels) = (3, 4)
    let graph = try family.graph(inputChannels: 1, outputChannels: 2, dimensions: 2)
    let shapes = try shapes(graph, [32, 48])
    #expect(ArcDiagram(graph, shapes: shapes) == nil)
    let text = try NetworkPicture(title: "U", graph: graph, extents: [32, 48]).picture.text
    for extents in ["32×48", "16×24", "8×12"] { #expect(text.contains(">\(extents)<"), "\(extents)") }
    for words in ["to fewer pixels", "to more pixels", "copied (concatenation, sum)", ">16<"] {
      #expect(text.contains(words), "\(words)")
    }
    // Input, two convolutions on each of five levels, two concatenations, the end: on the white ground.
    #expect(text.components(separatedBy: "<rect ").count - 1 == 1 + 1 + 10 + 2 + 1)
  }

  @Test("every family can be drawn", arguments: ["autoencoder", "fcnet", "tunet3plus"])
  func families(name: String) throws {
    let graph: NetworkGraph =
      switch name {
      case "autoencoder": try Autoencoder().graph(inputChannels: 1, outputChannels: 1, dimensions: 2)
      case "fcnet": try FCNet().graph(inputChannels: 3, outputChannels: 2, dimensions: 2)
      default: try TUNet3Plus().graph(inputChannels: 1, outputChannels: 2, dimensions: 2)
      }
    let picture = try NetworkPicture(title: name, graph: graph, extents: [64, 64])
    #expect(!picture.picture.text.contains("nan") && picture.description.contains("parameters"))
  }
}
