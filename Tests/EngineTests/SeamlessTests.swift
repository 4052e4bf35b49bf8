import Engine
import Host
import Networks
import TestSupport
import Testing

/// Whether a tile has the bits of the image that it is cut from.
@Suite struct SeamlessTests {
  /// A network, and an image that is cut along one axis.
  struct Case: CustomTestStringConvertible, Sendable {
    var name: String
    var family: @Sendable () -> any NetworkFamilySettings
    var extents: [Int]
    /// The axis, where the tile begins, and how many whole steps of the pooling grid it has.
    var axis: Int
    var start: Int
    var steps: Int

    var testDescription: String { "\(name) \(extents)" }
  }

  private static func unet(
    _ depth: Int, padding: PaddingMode = .zeros, pooling: PerAxis = 2, normalization: NormalizationKind = .batch
  ) -> TUNet {
    var network = TUNet()
    (network.depth, network.baseChannels, network.growthRate) = (depth, 2, 2)
    (network.paddingMode, network.pooling, network.normalization) = (padding, pooling, normalization)
    return network
  }

  private static func unet3(_ depth: Int, _ upscaling: TUNet3Plus.Upscaling = .nearest) -> TUNet3Plus {
    var network = TUNet3Plus()
    (network.levels, network.upscaling) = (unet(depth), upscaling)
    network.levels.activation = .silu
    return network
  }

  private static func dense(_ padding: PaddingMode, normalization: NormalizationKind = .batch) -> MSDNet {
    var network = MSDNet()
    (network.layers, network.paddingMode, network.normalization) = (6, padding, normalization)
    return network
  }

  private static func sparse(_ padding: PaddingMode, scales: Bool = false) -> SMSNetFamily {
    var generator = SMSNetGenerator()
    (generator.nodes, generator.hiddenChannels, generator.dilations) = (5, [3], [1, 2, 4])
    if scales { (generator.scales.base, generator.scales.minimum, generator.scales.maximum) = (2, -2, 1) }
    return SMSNetFamily(generator, SMSNet(paddingMode: padding))
  }

  static let cases: [Case] = [
    Case(name: "U-Net", family: { unet(4) }, extents: [13, 241], axis: 1, start: 8, steps: 28),
    Case(name: "U-Net", family: { unet(4) }, extents: [239, 17], axis: 0, start: 24, steps: 24),
    Case(name: "U-Net", family: { unet(4) }, extents: [9, 10, 211], axis: 2, start: 16, steps: 24),
    Case(
      name: "U-Net, reflect", family: { unet(3, padding: .reflect) }, extents: [101, 22], axis: 0, start: 8, steps: 20),
    Case(
      name: "U-Net, replicate", family: { unet(3, padding: .replicate) }, extents: [97, 23], axis: 0, start: 4,
      steps: 21),
    Case(name: "U-Net by 3", family: { unet(3, pooling: 3) }, extents: [20, 149], axis: 1, start: 9, steps: 14),
    Case(name: "TUNet3+", family: { unet3(4) }, extents: [17, 241], axis: 1, start: 48, steps: 22),
    Case(name: "TUNet3+", family: { unet3(3) }, extents: [113, 6, 7], axis: 0, start: 16, steps: 20),
    Case(
      name: "TUNet3+, transposed", family: { unet3(3, .transposedConvolution) }, extents: [18, 127], axis: 1,
      start: 12, steps: 24),
    Case(name: "MSDNet", family: { dense(.reflect) }, extents: [14, 97], axis: 1, start: 5, steps: 88),
    Case(name: "MSDNet", family: { dense(.zeros) }, extents: [11, 83, 13], axis: 1, start: 3, steps: 78),
    Case(
      name: "MSDNet of plain layers", family: { dense(.replicate, normalization: .none) }, extents: [89, 37], axis: 0,
      start: 7, steps: 80),
    Case(name: "SMSNet", family: { sparse(.reflect) }, extents: [67, 43], axis: 0, start: 2, steps: 60),
    Case(name: "SMSNet", family: { sparse(.zeros) }, extents: [12, 13, 71], axis: 2, start: 3, steps: 66),
    Case(
      name: "SMSNet of scales", family: { sparse(.zeros, scales: true) }, extents: [22, 211], axis: 1, start: 8,
      steps: 48),
  ]

  /// What a network answers for an image, or a tile of one.
  private func answer(
    _ graph: NetworkGraph, _ image: [Float], _ extents: [Int], origin: [Int] = [], whole: [Int]? = nil
  ) throws -> [Float] {
    let plan = try Plan(graph, extents: extents, purpose: .seamless, whole: whole)
    let run = Execution(plan, samplesPerShard: 1, shards: 1, team: try ThreadTeam(size: 2))
    var random = TestRandom(3)
    var parameters = random.uniforms(plan.layout.parameterCount)
    for entry in plan.layout.statistics where entry.name.hasSuffix("running_var") {
      for index in entry.range { run.statistics.pointer[index] = 0.75 }
    }
    for index in parameters.indices { parameters[index] *= 0.5 }
    _ = run.parameters.buffer.update(from: parameters)
    if !origin.isEmpty { run.origin = origin }
    image.withUnsafeBufferPointer { run.input(0).setPixels($0) }
    run.forward(samples: 1)
    return run.output(0).pixels()
  }

  @Test("a tile's pixels whose receptive field it holds have the bits of the image's answer", arguments: cases)
  func bits(_ item: Case) throws {
    let dimensions = item.extents.count
    let graph = try NetworkFamily(item.family()).graph(
      inputChannels: 1, outputChannels: 2, dimensions: dimensions, seed: 5, member: 1)
    let field = try #require(try graph.receptiveField())
    let (axis, extent) = (item.axis, item.extents[item.axis])
    let (margin, unit) = (field.radius[axis], field.alignment[axis])
    var tile = item.extents
    // As many pixels beyond whole steps as the image has.
    tile[axis] = item.steps * unit + extent % unit
    let end = item.start + tile[axis]
    try #require(item.start % unit == 0 && end <= extent)
    var random = TestRandom(7)
    let image = random.uniforms(item.extents.reduce(1, *))
    let (outer, inner) = (item.extents[..<axis].reduce(1, *), item.extents[(axis + 1)...].reduce(1, *))
    let part = (0..<outer).flatMap { row in
      image[(row * extent + item.start) * inner..<(row * extent + end) * inner]
    }
    var origin = item.extents.map { _ in 0 }
    origin[axis] = item.start
    let expected = try answer(graph, image, item.extents)
    let found = try answer(graph, part, tile, origin: origin, whole: item.extents)
    let safe = (item.start + margin)..<(end == extent ? end : end - margin)
    try #require(!safe.isEmpty)
    var differences = 0
    var values: Set<Float> = []
    for row in 0..<2 * outer {
      for place in safe {
        for index in 0..<inner {
          let value = expected[(row * extent + place) * inner + index]
          values.insert(value)
          if found[(row * tile[axis] + place - item.start) * inner + index].bitPattern != value.bitPattern {
            differences += 1
          }
        }
      }
    }
    #expect(differences == 0)
    #expect(values.count > 20)
  }

  @Test("the kernels of tiles give the answers of the others, up to rounding", arguments: cases)
  func answers(_ item: Case) throws {
    let graph = try NetworkFamily(item.family()).graph(
      inputChannels: 1, outputChannels: 2, dimensions: item.extents.count, seed: 5, member: 1)
    var random = TestRandom(7)
    let image = random.uniforms(item.extents.reduce(1, *))
    func run(_ purpose: Plan.Purpose) throws -> [Float] {
      let plan = try Plan(graph, extents: item.extents, purpose: purpose)
      let run = Execution(plan, samplesPerShard: 1, shards: 1, team: try ThreadTeam(size: 1))
      _ = run.parameters.buffer.update(from: plan.layout.initialParameters(seed: 2, member: 0))
      image.withUnsafeBufferPointer { run.input(0).setPixels($0) }
      run.forward(samples: 1)
      return run.output(0).pixels()
    }
    expectClose(try run(.seamless), try run(.inference), relative: 1e-4, absolute: 1e-5, "answers")
  }
}
