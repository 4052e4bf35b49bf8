import Networks
import Testing

@Suite struct NetworkCostsTests {
  @Test func `operations are two for each multiply-add, and three times as many in training`() throws {
    var graph = NetworkGraph(dimensions: 3)
    let input = graph.add("input", .input(channels: 2))
    let conv = graph.add("conv", .convolution(.same(channels: 5)), input)
    let pool = graph.add("pool", .maxPooling(MaxPooling(kernel: 2)), conv)
    let up = graph.add(
      "up", .transposedConvolution(TransposedConvolution(channels: 3, kernel: 2, stride: 2)), pool, conv)
    graph.add("linear", .linear(features: 7, bias: false), up)
    let costs = try graph.costs(extents: [4, 6, 9])
    // Pooled to 2 × 3 × 4.
    let forward = 2 * (4 * 6 * 9) * 5 * 2 * 27 + 2 * (2 * 3 * 4) * 5 * 3 * 8 + 2 * (4 * 6 * 9) * 3 * 7
    #expect(costs.forwardFLOPs == forward)
    #expect(costs.trainingFLOPs == 3 * forward)
    #expect(costs.parameters == 2 * 5 * 27 + 5 + 5 * 3 * 8 + 3 + 4 * 6 * 9 * 3 * 7)
  }

  @Test func `a prediction holds each value until its last reader, stacks in place`() throws {
    var graph = NetworkGraph(dimensions: 1)
    let input = graph.add("input", .input(channels: 1))
    let a = graph.add("a", .convolution(.same(channels: 2)), input)
    let b = graph.add("b", .batchNormalization(BatchNormalization()), a)
    let c = graph.add("c", .activation(.relu), b)
    let d = graph.add("d", .convolution(.same(channels: 3)), c)
    let stack = graph.add("stack", .concatenation, c, d)
    graph.add("e", .convolution(.same(channels: 4)), stack)
    let costs = try graph.costs(extents: [10])
    // At e: the stack of 5 channels and 4 new ones. The input is gone; a, b, c and d lie in the stack.
    #expect(costs.inferenceBytes == 4 * 10 * (5 + 4))
    // Kept are input, a, c, d and e; as many bytes of gradients as of values live at once.
    #expect(costs.trainingBytes == 4 * 10 * (1 + 2 + 2 + 3 + 4) + 4 * 10 * 9)
  }

  @Test func `a value that two stacks hold is copied into the second`() throws {
    var graph = NetworkGraph(dimensions: 1)
    let input = graph.add("input", .input(channels: 1))
    let a = graph.add("a", .convolution(.same(channels: 2)), input)
    let b = graph.add("b", .convolution(.same(channels: 2)), input)
    let first = graph.add("first", .concatenation, a, b)
    let second = graph.add("second", .concatenation, b, a)
    let c = graph.add("c", .convolution(.same(channels: 1)), first)
    let d = graph.add("d", .convolution(.same(channels: 1)), second)
    graph.add("end", .concatenation, c, d)
    // Both stacks of 4 channels and the end's 2 live at once, while c is computed.
    #expect(try graph.costs(extents: [10]).inferenceBytes == 4 * 10 * (4 + 4 + 2))
  }

  /// For every pixel of a one-dimensional network's output, the input pixels that it depends on, found by brute force.
  static func dependencies(_ graph: NetworkGraph, width: Int) throws -> [Set<Int>] {
    let shapes = try graph.shapes(extents: [width])
    var values: [[Set<Int>]] = []
    func one(_ setting: PerAxis) -> Int { setting.values(dimensions: 1)?[0] ?? 0 }
    for (id, node) in graph.nodes.enumerated() {
      var result = Array(repeating: Set<Int>(), count: shapes[id].extents[0])
      let source = node.inputs.first.map { values[$0] } ?? []
      switch node.operation {
      case .input: for pixel in 0..<width { result[pixel] = [pixel] }
      case .convolution(let c):
        for pixel in result.indices {
          for tap in 0..<one(c.kernel) {
            let place = pixel * one(c.stride) - one(c.padding) + tap * one(c.dilation)
            if source.indices.contains(place) { result[pixel].formUnion(source[place]) }
          }
        }
      case .maxPooling(let p):
        for pixel in result.indices {
          for tap in 0..<one(p.kernel) { result[pixel].formUnion(source[pixel * one(p.stride) + tap]) }
        }
      case .transposedConvolution(let c):
        for (pixel, seen) in source.enumerated() {
          for tap in 0..<one(c.kernel) {
            let place = pixel * one(c.stride) - one(c.padding) + tap
            if result.indices.contains(place) { result[place].formUnion(seen) }
          }
        }
      case .upsampling(let u):
        let (n, m) = (source.count, result.count)
        for pixel in result.indices {
          var place = (Double(pixel) + 0.5) * Double(n) / Double(m) - 0.5
          if u.alignCorners { place = m == 1 ? 0 : Double(pixel) * Double(n - 1) / Double(m - 1) }
          let first = u.mode == .nearest ? pixel * n / m : Int(max(place, 0))
          result[pixel].formUnion(source[first])
          if u.mode == .linear, first + 1 < n, place > Double(first) { result[pixel].formUnion(source[first + 1]) }
        }
      case .concatenation, .sum:
        for input in node.inputs { for pixel in result.indices { result[pixel].formUnion(values[input][pixel]) } }
      default: result = source
      }
      values.append(result)
    }
    return values[graph.output]
  }

  static func check(_ graph: NetworkGraph, isTight: Bool) throws {
    let field = try #require(try graph.receptiveField())
    let radius = field.radius[0]
    let width = 3 * radius + 4 * field.alignment[0]
    var farthest = 0
    for (pixel, seen) in try dependencies(graph, width: width).enumerated() {
      for other in seen { farthest = max(farthest, abs(other - pixel)) }
    }
    #expect(farthest <= radius)
    if isTight { #expect(farthest == radius) }
    // Bounds of ranges with rounding may be wider than what is seen, by less than one pooled pixel.
    #expect(radius - farthest < field.alignment[0])
  }

  @Test func `the receptive radius of random sparse networks is how far a pixel sees`() throws {
    var generator = SMSNetGenerator()
    generator.nodes = 8
    generator.dilations = [1, 2, 5]
    for member in 0..<30 {
      let topology = try generator.topology(inputChannels: 1, seed: 4, member: member)
      let graph = try SMSNet().graph(topology: topology, inputChannels: 1, outputChannels: 1, dimensions: 1)
      try Self.check(graph, isTight: true)
    }
  }

  @Test func `the receptive radius of U-Nets is how far a pixel sees`() throws {
    for depth in 2...4 {
      for (kernel, pooling) in [(3, 2), (5, 2), (3, 3), (1, 2), (1, 4)] {
        var settings = TUNet()
        (settings.depth, settings.baseChannels) = (depth, 2)
        (settings.kernel, settings.pooling) = (.all(kernel), .all(pooling))
        let graph = try settings.graph(inputChannels: 1, outputChannels: 1, dimensions: 1)
        let scale = (1..<depth).reduce(1) { product, _ in product * pooling }
        #expect(try graph.receptiveField()?.alignment == [scale])
        try Self.check(graph, isTight: false)
      }
    }
  }

  @Test func `the receptive radius of upsampling is how far a pixel sees, or less than a pooled pixel more`() throws {
    for factor in 1...4 {
      for mode in Upsampling.Mode.allCases {
        for alignCorners in mode == .linear ? [false, true] : [false] {
          var graph = NetworkGraph(dimensions: 1)
          let input = graph.add("input", .input(channels: 1))
          let low = graph.add("low", .maxPooling(MaxPooling(kernel: .all(factor))), input)
          let conv = graph.add("conv", .convolution(.same(channels: 1)), low)
          let upsampling = Upsampling(mode: mode, factor: .all(factor), alignCorners: alignCorners)
          let up = graph.add("up", .upsampling(upsampling), conv)
          graph.add("end", .sum(factors: []), up, input)
          let field = try #require(try graph.receptiveField())
          #expect(field.alignment == [factor])
          var farthest = 0
          for (pixel, seen) in try Self.dependencies(graph, width: 24).enumerated() {
            for other in seen { farthest = max(farthest, abs(other - pixel)) }
          }
          #expect(farthest <= field.radius[0])
          #expect(field.radius[0] - farthest <= (alignCorners ? 2 * factor : factor))
        }
      }
    }
  }

  @Test func `each axis has its own radius, and a linear layer sees everything`() throws {
    var graph = NetworkGraph(dimensions: 2)
    let input = graph.add("input", .input(channels: 1))
    let conv = graph.add(
      "conv", .convolution(Convolution(channels: 1, kernel: [1, 3], dilation: [1, 4], padding: [0, 4])), input)
    let other = graph.add("other", .convolution(.same(channels: 1)), conv)
    let field = try #require(try graph.receptiveField())
    #expect(field.radius == [1, 5] && field.alignment == [1, 1])
    graph.add("linear", .linear(features: 2, bias: true), other)
    #expect(try graph.receptiveField() == nil)
  }
}
