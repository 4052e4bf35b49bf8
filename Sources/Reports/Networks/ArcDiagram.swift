import Networks

/// A mixed-scale network as nodes on a line and arcs between them, of the colour of their dilation.
///
/// Made from the names that `SMSNet` and `MSDNet` give their convolutions: `edge3-5.conv` leads from node 3 to node 5,
/// `layer3.conv1` makes plane 1 of layer 3 from all planes before it.
struct ArcDiagram {
  struct Vertex {
    var name: String
    /// Shape of its value, or how many planes it adds.
    var detail: String
  }

  struct Arc: Hashable {
    var source: Int
    var target: Int
    var dilation: Int
  }

  private(set) var vertices: [Vertex] = []
  private(set) var arcs: [Arc] = []

  /// Nil when the network is of another kind.
  init?(_ graph: NetworkGraph, shapes: [FeatureShape]) {
    let convolutions = graph.nodes.enumerated().compactMap { id, node in Self.dilation(node.operation).map { (id, $0) }
    }
    let edges = convolutions.compactMap { id, dilation in
      graph.nodes[id].name.wholeMatch(of: /edge(\d+)-(\d+)\.conv/).flatMap { match in
        Int(match.1).flatMap { source in Int(match.2).map { (id, Arc(source: source, target: $0, dilation: dilation)) }
        }
      }
    }
    if !edges.isEmpty {
      addEdges(edges, graph, shapes)
      return
    }
    let planes = convolutions.compactMap { id, dilation in
      graph.nodes[id].name.wholeMatch(of: /layer(\d+)\.conv(\d+)/).flatMap { Int($0.1) }.map { (id, $0, dilation) }
    }
    guard !planes.isEmpty else { return nil }
    addLayers(planes, shapes)
  }

  private static func dilation(_ operation: Operation) -> Int? {
    switch operation {
    case .convolution(let convolution): convolution.dilation.values(dimensions: 1)?.first ?? 1
    case .transposedConvolution: 1
    default: nil
    }
  }

  /// The nodes and edges of a sparse network.
  private mutating func addEdges(_ edges: [(id: Int, arc: Arc)], _ graph: NetworkGraph, _ shapes: [FeatureShape]) {
    arcs = edges.map(\.arc)
    let count = (arcs.map { max($0.source, $0.target) }.max() ?? 0) + 1
    var channels = Array(repeating: 0, count: count)
    var extents = Array(repeating: shapes[0].extents, count: count)
    channels[0] = shapes[0].channels
    for (id, arc) in edges {
      channels[arc.target] += shapes[id].channels
      extents[arc.target] = shapes[id].extents
    }
    vertices = (0..<count).map { node in
      let scale =
        extents[node] == shapes[0].extents ? "" : " at " + extents[node].map(String.init).joined(separator: "×")
      return Vertex(
        name: node == 0 ? "in" : node == count - 1 ? "out" : "\(node)", detail: "\(channels[node]) ch\(scale)")
    }
  }

  /// The layers of a dense network, each with an arc from all before it; the last vertex is the output.
  private mutating func addLayers(_ planes: [(id: Int, layer: Int, dilation: Int)], _ shapes: [FeatureShape]) {
    let layers = (planes.map(\.layer).max() ?? 0) + 1
    vertices.append(Vertex(name: "in", detail: "\(shapes[0].channels) ch"))
    for layer in 0..<layers {
      let own = planes.filter { $0.layer == layer }
      vertices.append(Vertex(name: "\(layer)", detail: own.count == 1 ? "" : "+\(own.count)"))
      for dilation in Set(own.map(\.dilation)).sorted() {
        arcs += (0...layer).map { Arc(source: $0, target: layer + 1, dilation: dilation) }
      }
    }
    vertices.append(Vertex(name: "out", detail: ""))
    arcs += (0...layers).map { Arc(source: $0, target: layers + 1, dilation: 1) }
  }

  /// The picture.
  func picture(_ title: String) -> SVGPicture {
    let count = vertices.count
    let step = max(12, min(70, 700 / Double(max(1, count - 1))))
    let left = 60.0
    let width = left + step * Double(max(1, count - 1)) + 150
    // An arc of these control points is three quarters as high as they lie.
    let farthest = Double(arcs.map { abs($0.target - $0.source) }.max() ?? 1)
    let rise = min(0.62 * step, 330 / farthest)
    let line = 60 + 0.75 * rise * farthest
    var picture = SVGPicture(width: Int(max(width, 620)), height: Int(line + 70))
    picture.text(title, 20, 30, size: 14, isBold: true)
    let dilations = Set(arcs.map(\.dilation)).sorted()
    func colour(_ dilation: Int) -> String {
      let place = dilations.firstIndex(of: dilation) ?? 0
      return ColourMap.viridis.css(dilations.count < 2 ? 0.25 : 0.88 * Double(place) / Double(dilations.count - 1))
    }
    let isDense = arcs.count > 200
    for dilation in dilations {
      let curves = arcs.filter { $0.dilation == dilation }.map { arc -> [SIMD2<Double>] in
        let (from, to) = (left + step * Double(arc.source), left + step * Double(arc.target))
        let height = rise * Double(abs(arc.target - arc.source))
        let shift = (to - from) * 0.15
        return [[from, line], [from + shift, line - height], [to - shift, line - height], [to, line]]
      }
      picture.curves(curves, colour: colour(dilation), width: isDense ? 0.7 : 2, opacity: isDense ? 0.45 : 0.9)
    }
    let radius = min(11, 0.4 * step)
    let every = max(1, Int((22 / step).rounded(.up)))
    for (index, vertex) in vertices.enumerated() {
      let x = left + step * Double(index)
      let isEnd = index == 0 || index == count - 1
      picture.circle(x, line, radius: radius, fill: isEnd ? "#333" : "white", stroke: "#333")
      guard isEnd || index % every == 0 else { continue }
      if isEnd || radius < 9 {
        picture.text(vertex.name, x, line + radius + 14, size: 10, anchor: .middle)
      } else {
        picture.text(vertex.name, x, line + 4, size: 10, anchor: .middle)
      }
      if step > 40 { picture.text(vertex.detail, x, line + radius + 28, size: 9, anchor: .middle, colour: "#555") }
    }
    let x = left + step * Double(count - 1) + 40
    picture.text("dilation", x, 62, size: 11, isBold: true)
    for (index, dilation) in dilations.prefix(Int((line + 40 - 70) / 16)).enumerated() {
      let y = 78 + 16 * Double(index)
      picture.line(x, y - 4, x + 22, y - 4, colour: colour(dilation), width: 3)
      picture.text("\(dilation)", x + 30, y, size: 11)
    }
    return picture
  }
}
