import CKernels
import Networks

extension PlanCompiler {
  /// The algorithm of a product, by its shape: matrix products for strides along x, transposed convolutions and linear layers, and
  /// for deep layers whose rows are shorter than a vector; else the direct kernels.
  func algorithm(_ id: Int) -> Algorithm {
    let node = graph.nodes[id]
    if case .transposedConvolution = node.operation {
      let isDisjoint = axes(id).allSatisfy {
        $0.kernel == $0.stride && $0.padding == 0 && $0.source == $0.kernel * $0.target
      }
      return isDisjoint ? .disjoint : .matrix
    }
    guard case .convolution = node.operation else { return .matrix }
    if readsMade(id) { return .direct }
    let axes = axes(id)
    let axis = axes[2]
    if axis.stride != 1 { return .matrix }
    let channels = min(shapes[id].channels, shapes[node.inputs[0]].channels)
    if channels >= Self.winogradChannels, Self.suitsWinograd(axes) { return .winograd }
    let pairs = shapes[id].channels * shapes[node.inputs[0]].channels
    if axis.target < 12 && pairs >= 256 { return .matrix }
    return .direct
  }

  /// Whether a product's source is made while it is read; the direct kernels do so.
  private func readsMade(_ id: Int) -> Bool { keptPlanes[resolve(graph.nodes[id].inputs[0])] != nil }

  /// The fewest channels on both sides for which the transforms of Winograd's algorithm pay.
  private static let winogradChannels = 12

  /// Whether Winograd's algorithm can compute a convolution, and most pixels of its tiles are the image's.
  private static func suitsWinograd(_ axes: [AxisConvolution]) -> Bool {
    let isPadded = axes.map {
      $0.kernel == 3 && $0.stride == 1 && $0.dilation == 1 && $0.padding == 1 && $0.mode == .zeros
    }
    let isFlat = axes[0].kernel == 1 && axes[0].stride == 1 && axes[0].padding == 0
    guard isPadded[1], isPadded[2], isPadded[0] || isFlat else { return false }
    let (ny, nx) = (axes[1].target, axes[2].target)
    let covered = nx <= 8 ? 8 * roundUp(ny, to: 8) : roundUp(nx, to: 16) * roundUp(ny, to: 4)
    return 2 * nx * ny >= covered
  }

  func gradientAlgorithm(_ id: Int) -> GradientAlgorithm {
    let node = graph.nodes[id]
    if readsMade(id) { return .rows }
    if algorithm(id) == .winograd { return .winograd }
    var narrow = id
    if case .transposedConvolution = node.operation { narrow = node.inputs[0] }
    let choice = GradientAlgorithm(channels: shapes[narrow].channels, axes: axes(id))
    // Kernels on rows need the halos that direct kernels have.
    return choice == .rows && algorithm(id) != .direct ? .matrix : choice
  }

  /// The convolution of a product along z, y and x, from the wide space to the narrow one.
  func axes(_ id: Int) -> [AxisConvolution] {
    let node = graph.nodes[id]
    let missing = 3 - graph.dimensions
    func extents(_ id: Int) -> [Int] { Array(repeating: 1, count: missing) + shapes[id].extents }
    func setting(_ setting: PerAxis, _ neutral: Int) -> [Int] {
      Array(repeating: neutral, count: missing) + (setting.values(dimensions: graph.dimensions) ?? [])
    }
    let input = extents(node.inputs[0])
    let output = extents(id)
    switch node.operation {
    case .convolution(let c):
      let (k, s, d, p) = (setting(c.kernel, 1), setting(c.stride, 1), setting(c.dilation, 1), setting(c.padding, 0))
      return (0..<3).map {
        AxisConvolution(
          source: input[$0], target: output[$0], kernel: k[$0], stride: s[$0], dilation: d[$0], padding: p[$0],
          mode: c.paddingMode)
      }
    case .transposedConvolution(let c):
      let (k, s, p) = (setting(c.kernel, 1), setting(c.stride, 1), setting(c.padding, 0))
      return (0..<3).map {
        AxisConvolution(
          source: output[$0], target: input[$0], kernel: k[$0], stride: s[$0], dilation: 1, padding: p[$0], mode: .zeros
        )
      }
    default:  // linear: a convolution whose kernel is the whole image
      return (0..<3).map {
        AxisConvolution(
          source: input[$0], target: 1, kernel: input[$0], stride: 1, dilation: 1, padding: 0, mode: .zeros)
      }
    }
  }
}

extension PlanCompiler {
  mutating func makeProduct(
    _ id: Int, source: PlaneGeometry, target: PlaneGeometry, common: Int, reach: Int
  ) -> Product {
    let node = graph.nodes[id]
    let axes = axes(id)
    let algorithm = algorithm(id)
    var transposed = false
    if case .transposedConvolution = node.operation { transposed = true }
    let maps = axes.map { AxisMap($0.forward) }
    let adjoints = axes.map { AxisMap($0.adjoint) }
    let shifts = ShiftTable(axes[2].shifts)
    let adjointShifts = ShiftTable(axes[2].adjointShifts)
    tables += maps as [AnyObject & Sendable]
    tables += adjoints as [AnyObject & Sendable]
    tables += [shifts, adjointShifts] as [AnyObject & Sendable]
    let weight = layout.parameter("\(node.name).weight")!
    let bias = layout.parameter("\(node.name).bias")
    let inputChannels = shapes[node.inputs[0]].channels
    var outputChannels = shapes[id].channels
    if case .linear = node.operation { outputChannels = shapes[id].elements }
    let wideChannels = transposed ? outputChannels : inputChannels
    let narrowChannels = transposed ? inputChannels : outputChannels
    let taps = axes.reduce(1) { $0 * $1.kernel }
    func reserve(_ floats: Int) -> Slice {
      defer { packedFloats += roundUp(floats, to: 16) }
      return Slice(offset: packedFloats, count: floats)
    }
    var packed = Slice(offset: 0, count: 0)
    var packedTransposed = packed
    var packedRest = packed
    var identity = maps[0].entries
    var noShift = shifts.shifts
    switch algorithm {
    case .direct:
      packed = reserve(tutti_convolution_packed_count(Int32(outputChannels), Int32(inputChannels), Int32(taps)))
      if training {
        packedTransposed = reserve(
          tutti_convolution_packed_count(Int32(common), Int32(outputChannels), Int32(taps)))
        packedRest = reserve(
          tutti_convolution_packed_count(Int32(inputChannels - common), Int32(outputChannels), Int32(taps)))
      }
    case .winograd: reserveWinograd(channels: (outputChannels, inputChannels), axes: axes)
    case .disjoint:
      let pairs = outputChannels * taps
      packed = reserve(tutti_convolution_packed_count(Int32(pairs), Int32(inputChannels), 1))
      if training { packedTransposed = reserve(packed.count) }
      let bands = Execution.DisjointBands(narrow: source, pairs: pairs)
      scratchFloats = max(scratchFloats, roundUp(bands.floats, to: 16))
      let map = AxisMap((0..<bands.rows).map { [(source: $0, tap: 0)] })
      let shift = ShiftTable([0])
      tables += [map, shift] as [AnyObject & Sendable]
      identity = map.entries
      noShift = shift.shifts
    case .filtering: preconditionFailure("a direct product until its group is known")
    case .matrix: break
    }
    let gradientAlgorithm = gradientAlgorithm(id)
    if algorithm == .matrix || gradientAlgorithm == .matrix {
      let narrow = axes.reduce(1) { $0 * $1.target }
      scratchFloats = max(scratchFloats, roundUp((wideChannels * taps + narrowChannels) * narrow, to: 16) + 32)
    }
    if gradientAlgorithm == .channels || gradientAlgorithm == .winograd {
      let pieces = GradientPieces(gradientAlgorithm, channels: (narrowChannels, wideChannels), taps: taps)
      largestPiece = max(largestPiece, pieces.largest)
      if gradientAlgorithm == .winograd, training {
        let scratch = pieces.winogradScratch(zTaps: axes[0].kernel)
        scratchFloats = max(scratchFloats, roundUp(scratch, to: 16))
      }
    }
    func plain(_ geometry: PlaneGeometry, channels: Int) -> PlaneGeometry {
      PlaneGeometry(channels: channels, nz: geometry.nz, ny: geometry.ny, nx: geometry.nx, halo: 0)
    }
    return Product(
      algorithm: algorithm, gradientAlgorithm: gradientAlgorithm, transposed: transposed,
      weight: Slice(offset: weight.offset, count: weight.count),
      bias: bias.map { Slice(offset: $0.offset, count: $0.count) },
      wide: transposed ? plain(target, channels: outputChannels) : plain(source, channels: inputChannels),
      narrow: transposed ? plain(source, channels: inputChannels) : plain(target, channels: outputChannels),
      z: maps[0].entries, y: maps[1].entries, x: maps[2].entries, adjointZ: adjoints[0].entries,
      adjointY: adjoints[1].entries, xShifts: shifts.shifts, adjointXShifts: adjointShifts.shifts,
      xStride: axes[2].stride, identity: identity, noShift: noShift,
      zTaps: axes[0].kernel, yTaps: axes[1].kernel, xTaps: axes[2].kernel,
      reach: reach, packed: packed, packedTransposed: packedTransposed, packedRest: packedRest, groupWeight: 0)
  }

  /// Room for the transformed weights of one product and direction at a time, and for a thread's tiles.
  private mutating func reserveWinograd(channels: (target: Int, source: Int), axes: [AxisConvolution]) {
    let directions = [channels] + (training ? [(target: channels.source, source: channels.target)] : [])
    for (target, source) in directions {
      var job = tutti_winograd()
      job.source_channels = Int32(source)
      job.target_channels = Int32(target)
      job.z_taps = Int32(axes[0].kernel)
      scratchFloats = max(scratchFloats, roundUp(Int(tutti_winograd_scratch(&job)), to: 16))
      let held = Execution.winogradTargets(target, depth: axes[0].kernel * source)
      winogradFloats = max(
        winogradFloats, Int(tutti_winograd_weight_count(Int32(held), Int32(source), Int32(axes[0].kernel))))
    }
  }
}
