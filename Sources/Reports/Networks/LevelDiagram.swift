import Networks

/// A network by levels of resolution: boxes are values, as high as their resolution, with their channels above; arrows are
/// the operations between them. An encoder with a decoder becomes a U.
struct LevelDiagram {
  /// What leads from one box to another.
  private enum Way: String, CaseIterable {
    case convolution, down, up, skip, linear

    var colour: String {
      switch self {
      case .convolution: "#0072b2"
      case .down: "#d55e00"
      case .up: "#009e73"
      case .skip: "#8a8a8a"
      case .linear: "#cc79a7"
      }
    }

    var meaning: String {
      switch self {
      case .convolution: "convolution"
      case .down: "to fewer pixels"
      case .up: "to more pixels"
      case .skip: "copied (concatenation, sum)"
      case .linear: "linear layer"
      }
    }
  }

  private struct Box {
    var id: NetworkGraph.NodeID
    var sources: [(box: Int, way: Way)]
    var parameters: Int
  }

  private let shapes: [FeatureShape]
  private var boxes: [Box] = []

  init(_ graph: NetworkGraph, shapes: [FeatureShape], parameters: [NetworkGraph.NodeID: Int]) {
    self.shapes = shapes
    let readers = graph.readers
    // Of each node the box that shows its value, and what lies between.
    var places: [(box: Int, way: Way?, parameters: Int)] = []
    for (id, node) in graph.nodes.enumerated() {
      let own = parameters[id] ?? 0
      // What gives an extent alone, as the second input of an upsampling, is no value that is read.
      let inputs = Self.values(node).map { places[$0] }
      let way = Self.way(node.operation, from: node.inputs.first.map { shapes[$0] }, to: shapes[id])
      if let way, Self.isPassed(node.operation), let input = inputs.first, readers[id].count == 1, id != graph.output {
        places.append((input.box, way, input.parameters + own))
        continue
      }
      guard way != nil || inputs.isEmpty || inputs.count > 1, let input = inputs.first else {
        if let input = inputs.first {
          // Normalization, activation and dropout change neither shape nor place.
          if boxes.indices.contains(input.box), input.way == nil { boxes[input.box].parameters += own }
          places.append(input)
        } else {
          boxes.append(Box(id: id, sources: [], parameters: own))
          places.append((boxes.count - 1, nil, 0))
        }
        continue
      }
      let sources = inputs.map { ($0.box, $0.way ?? (inputs.count > 1 ? .skip : way ?? .skip)) }
      let passed = inputs.count > 1 ? inputs.reduce(0) { $0 + $1.parameters } : input.parameters
      boxes.append(Box(id: id, sources: sources, parameters: own + passed))
      places.append((boxes.count - 1, nil, 0))
    }
  }

  /// Whether an operation is an arrow alone: its value has no box.
  private static func isPassed(_ operation: Operation) -> Bool {
    switch operation {
    case .maxPooling, .upsampling, .transposedConvolution: true
    default: false
    }
  }

  /// The inputs whose values are read.
  private static func values(_ node: NetworkGraph.Node) -> [NetworkGraph.NodeID] {
    switch node.operation {
    case .concatenation, .sum: node.inputs
    default: Array(node.inputs.prefix(1))
    }
  }

  /// The kind of an operation that is drawn; nil of those that change no shape.
  private static func way(_ operation: Operation, from: FeatureShape?, to: FeatureShape) -> Way? {
    let (before, after) = (from?.pixels ?? to.pixels, to.pixels)
    switch operation {
    case .convolution: return after < before ? .down : .convolution
    case .transposedConvolution: return after > before ? .up : .convolution
    case .maxPooling: return .down
    case .upsampling: return .up
    case .linear, .reshape: return .linear
    case .concatenation, .sum: return .skip
    default: return nil
    }
  }

  /// The picture.
  func picture(_ title: String) -> SVGPicture {
    let pixels = Set(boxes.map { shapes[$0.id].pixels }).sorted(by: >)
    let levels = pixels.prefix(12)
    var tops: [Double] = []
    var heights: [Double] = []
    var y = 84.0
    var height = 96.0
    for _ in levels {
      tops.append(y)
      heights.append(max(14, height))
      y += max(14, height) + 46
      height *= 0.68
    }
    let most = Double(boxes.map { shapes[$0.id].channels }.max() ?? 1)
    func width(_ box: Box) -> Double { 6 + 20 * (Double(shapes[box.id].channels) / most).squareRoot() }
    var frames: [SVGPicture.Frame] = []
    var x = 96.0
    for box in boxes {
      let level = min(pixels.firstIndex(of: shapes[box.id].pixels) ?? 0, levels.count - 1)
      frames.append(.init(x: x, y: tops[level], width: width(box), height: heights[level]))
      x += width(box) + 26
    }
    var picture = SVGPicture(width: Int(max(x + 20, 640)), height: Int(y + 34))
    picture.text(title, 20, 30, size: 14, isBold: true)
    for level in levels.indices {
      guard let box = boxes.first(where: { shapes[$0.id].pixels == levels[level] }) else { continue }
      picture.text(
        shapes[box.id].extents.map(String.init).joined(separator: "×"), 84, tops[level] + heights[level] / 2 + 4,
        size: 10,
        anchor: .end, colour: "#555")
    }
    for (index, box) in boxes.enumerated() {
      for source in box.sources { arrow(from: frames[source.box], to: frames[index], source.way, in: &picture) }
    }
    for (index, box) in boxes.enumerated() {
      let frame = frames[index]
      picture.rectangle(frame, fill: box.sources.count > 1 ? "#e4e4e4" : "#c6dcec", stroke: "#333")
      let middle = frame.x + frame.width / 2
      picture.text("\(shapes[box.id].channels)", middle, frame.y - 5, size: 10, anchor: .middle)
      if box.parameters > 0 {
        picture.text(
          NetworkPicture.short(box.parameters), middle, frame.bottom + 12, size: 8.5, anchor: .middle, colour: "#555")
      }
    }
    let used = Set(boxes.flatMap { $0.sources.map(\.way) })
    var left = 96.0
    for way in Way.allCases where used.contains(way) {
      picture.line(left, y + 10, left + 20, y + 10, colour: way.colour, width: 2.5)
      picture.text(way.meaning, left + 26, y + 14, size: 10)
      left += 40 + 6.2 * Double(way.meaning.count)
    }
    picture.text(
      "channels above, parameters below", left + 8, y + 14, size: 10, colour: "#555")
    return picture
  }

  private func arrow(
    from source: SVGPicture.Frame, to target: SVGPicture.Frame, _ way: Way, in picture: inout SVGPicture
  ) {
    let from = SIMD2(source.right, source.y + source.height / 2)
    let to = SIMD2(target.x, target.y + target.height / 2)
    guard source.y != target.y else {
      picture.line(from.x, from.y, to.x, to.y, colour: way.colour, width: way == .skip ? 1.4 : 2)
      picture.arrowHead(at: to, along: [1, 0], colour: way.colour)
      return
    }
    // Down or up: out at the side, in at the side.
    let half = max(12, 0.5 * (to.x - from.x))
    picture.curves(
      [[from, from + [half, 0], to - [half, 0], to]], colour: way.colour, width: way == .skip ? 1.4 : 2)
    picture.arrowHead(at: to, along: [1, 0], colour: way.colour)
  }
}
