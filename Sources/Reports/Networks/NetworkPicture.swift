import Networks

/// A drawing of a network, of the kind that suits it: U-Nets and whatever else changes its resolution by levels, mixed-scale
/// networks as nodes on a line with arcs whose colour is the dilation.
public struct NetworkPicture: Sendable {
  private let title: String
  private let graph: NetworkGraph
  private let shapes: [FeatureShape]
  private let parameters: [NetworkGraph.NodeID: Int]
  /// Of mixed-scale networks; nil: of another kind.
  private let arcs: ArcDiagram?

  /// - Parameter extents: of an image, by which shapes are counted.
  /// - Throws: `NetworkError` when the image does not fit.
  public init(title: String, graph: NetworkGraph, extents: [Int]) throws(NetworkError) {
    (self.title, self.graph) = (title, graph)
    shapes = try graph.shapes(extents: extents)
    var parameters: [NetworkGraph.NodeID: Int] = [:]
    let names = Dictionary(uniqueKeysWithValues: graph.nodes.enumerated().map { ($1.name, $0) })
    for entry in try graph.layout(extents: extents).parameters {
      // The entries of a node are called NODE.weight, NODE.bias.
      guard let dot = entry.name.lastIndex(of: "."), let id = names[String(entry.name[..<dot])] else { continue }
      parameters[id, default: 0] += entry.count
    }
    self.parameters = parameters
    arcs = ArcDiagram(graph, shapes: shapes)
  }

  /// The picture.
  public var picture: SVGPicture {
    let total = parameters.values.reduce(0, +)
    let shape = shapes.first.map { "image \($0)" } ?? ""
    let head = "\(title): \(Self.short(total)) parameters, \(shape)"
    if let arcs { return arcs.picture(head) }
    return LevelDiagram(graph, shapes: shapes, parameters: parameters).picture(head)
  }

  /// What the picture shows, for those who do not see it.
  public var description: String {
    let total = parameters.values.reduce(0, +)
    guard let arcs else {
      let levels = Set(shapes.map(\.extents)).count
      return "\(title): a network of \(total) parameters on \(levels) levels of resolution, boxes with their channels."
    }
    let dilations = Set(arcs.arcs.map(\.dilation)).sorted()
    return
      "\(title): a network of \(total) parameters, \(arcs.vertices.count) nodes and \(arcs.arcs.count) connections of "
      + "dilations \(dilations.map(String.init).joined(separator: ", "))."
  }

  /// A count in few signs: 950, 1.2k, 3.4M.
  static func short(_ count: Int) -> String {
    switch count {
    case ..<1000: "\(count)"
    case ..<1_000_000: "\((Double(count) / 100).rounded() / 10)k"
    default: "\((Double(count) / 100_000).rounded() / 10)M"
    }
  }
}
