import CKernels
import Networks

extension PlanCompiler {
  /// The algorithm of a product. Matrix products compute strides along x, transposed convolutions, linear layers and
  /// deep layers whose rows are shorter than a vector.
  func algorithm(_ id: Int) -> Algorithm {
    let node = graph.nodes[id]
    if case .transposedConvolution = node.operation {
      let isDisjoint = axes(id).allSatisfy {
        // In training, pixels that no tap reaches are left to the matrix product, whose bits are kept.
        $0.kernel == $0.stride && $0.padding == 0 && (isSeamless || $0.source == $0.kernel * $0.target)
      }
      return isDisjoint ? .disjoint : .matrix
    }
    guard case .convolution = node.operation else { return .matrix }
    if recomputesSource(id) { return .direct }
    let axes = axes(id)
    let axis = axes[2]
    if axis.stride != 1 { return .matrix }
    if isSeamless { return .direct }
    let channels = min(shapes[id].channels, shapes[node.inputs[0]].channels)
    if channels >= Self.winogradChannels, Self.suitsWinograd(axes) { return .winograd }
    let pairs = shapes[id].channels * shapes[node.inputs[0]].channels
    if axis.target < 12 && pairs >= 256 { return .matrix }
    return .direct
  }

  /// Whether a product's source is recomputed while it is read. Only the direct kernels do so.
  private func recomputesSource(_ id: Int) -> Bool { recomputedFrom[value(of: graph.nodes[id].inputs[0])] != nil }

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
    if recomputesSource(id) { return .rows }
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
    let input = extents(node.inputs[0])
    let output = extents(id)
    switch node.operation {
    case .convolution(let c):
      let (k, s, d, p) = (
        axes3(c.kernel, absent: 1), axes3(c.stride, absent: 1), axes3(c.dilation, absent: 1),
        axes3(c.padding, absent: 0)
      )
      return (0..<3).map {
        AxisConvolution(
          source: input[$0], target: output[$0], kernel: k[$0], stride: s[$0], dilation: d[$0], padding: p[$0],
          mode: c.paddingMode)
      }
    case .transposedConvolution(let c):
      let (k, s, p) = (axes3(c.kernel, absent: 1), axes3(c.stride, absent: 1), axes3(c.padding, absent: 0))
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
  /// - Parameters:
  ///   - common: the source channels that all stages of the group read.
  ///   - reach: pixels of the source's halo in which its gradient may lie.
  mutating func makeProduct(_ id: Int, _ ports: Ports, common: Int, reach: Int) -> Product {
    let node = graph.nodes[id]
    let axes = axes(id)
    let algorithm = algorithm(id)
    let gradientAlgorithm = gradientAlgorithm(id)
    let transposed = if case .transposedConvolution = node.operation { true } else { false }
    let maps = axes.map { AxisMap($0.forward) }
    let adjoints = axes.map { AxisMap($0.adjoint) }
    let shifts = ShiftTable(axes[2].shifts)
    let adjointShifts = ShiftTable(axes[2].adjointShifts)
    tables += maps as [AnyObject & Sendable]
    tables += adjoints as [AnyObject & Sendable]
    tables += [shifts, adjointShifts] as [AnyObject & Sendable]
    let inputs = shapes[node.inputs[0]].channels
    let outputs = if case .linear = node.operation { shapes[id].elements } else { shapes[id].channels }
    func plain(_ place: Place, channels: Int) -> PlaneGeometry {
      let g = place.geometry
      return PlaneGeometry(channels: channels, nz: g.nz, ny: g.ny, nx: g.nx, halo: 0)
    }
    let (source, target) = (plain(ports.source, channels: inputs), plain(ports.target, channels: outputs))
    guard let weight = parameter(id, "weight") else { preconditionFailure("a product has weights") }
    var product = Product(
      algorithm: algorithm, gradientAlgorithm: gradientAlgorithm, transposed: transposed, weight: weight,
      bias: parameter(id, "bias"), wide: transposed ? target : source, narrow: transposed ? source : target,
      z: maps[0].entries, y: maps[1].entries, x: maps[2].entries, adjointZ: adjoints[0].entries,
      adjointY: adjoints[1].entries, xShifts: shifts.shifts, adjointXShifts: adjointShifts.shifts,
      xStride: axes[2].stride, identity: maps[0].entries, noShift: shifts.shifts,
      zTaps: axes[0].kernel, yTaps: axes[1].kernel, xTaps: axes[2].kernel,
      reach: reach, packed: .empty, packedTransposed: .empty, packedRemaining: .empty, groupWeight: 0)
    reserveMemory(of: &product, axes: axes, inputs: inputs, outputs: outputs, common: common)
    return product
  }

  /// Reserves the memory that a product's algorithms need for packed weights, and as scratch.
  private mutating func reserveMemory(
    of product: inout Product, axes: [AxisConvolution], inputs: Int, outputs: Int, common: Int
  ) {
    func packedCount(_ targets: Int, _ sources: Int, _ taps: Int) -> Int {
      tutti_convolution_packed_count(Int32(targets), Int32(sources), Int32(taps))
    }
    let taps = product.taps
    switch product.algorithm {
    case .direct:
      product.packed = reservePacked(packedCount(outputs, inputs, taps))
      if training {
        product.packedTransposed = reservePacked(packedCount(common, outputs, taps))
        product.packedRemaining = reservePacked(packedCount(inputs - common, outputs, taps))
      }
    case .winograd: reserveWinograd(channels: (outputs, inputs), axes: axes)
    case .disjoint:
      let pairs = outputs * taps
      product.packed = reservePacked(packedCount(pairs, inputs, 1))
      if training { product.packedTransposed = reservePacked(product.packed.count) }
      let bands = Execution.DisjointBands(product)
      requireScratch(bands.floats)
      addIdentity(to: &product, rows: bands.rows)
    case .filtering: preconditionFailure("a direct product until its group is known")
    case .matrix:
      guard isSeamless else { break }
      let depth = product.wide.channels * taps
      let (targets, sources) =
        product.transposed ? (depth, product.narrow.channels) : (product.narrow.channels, depth)
      product.packed = reservePacked(packedCount(targets, sources, 1))
      addIdentity(to: &product, rows: 1)
    }
    let gradientAlgorithm = product.gradientAlgorithm
    if product.algorithm == .matrix || gradientAlgorithm == .matrix && training {
      sizes.scratchFloats = max(
        sizes.scratchFloats,
        roundUp((product.wide.channels * taps + product.narrow.channels) * product.narrow.pixels, to: 16) + 32)
    }
    if gradientAlgorithm.isByPieces {
      let pieces = GradientPieces(product)
      sizes.largestPiece = max(sizes.largestPiece, pieces.largest)
      if gradientAlgorithm == .winograd, training { requireScratch(pieces.winogradScratch(zTaps: product.zTaps)) }
    }
  }

  /// Gives a product the axis map and the shift of a 1×1 convolution.
  private mutating func addIdentity(to product: inout Product, rows: Int) {
    let map = AxisMap((0..<rows).map { [(source: $0, tap: 0)] })
    let shift = ShiftTable([0])
    tables += [map, shift] as [AnyObject & Sendable]
    (product.identity, product.noShift) = (map.entries, shift.shifts)
  }

  /// Reserves memory for the transformed weights of one product and direction at a time, and for a thread's tiles.
  private mutating func reserveWinograd(channels: (target: Int, source: Int), axes: [AxisConvolution]) {
    let directions = [channels] + (training ? [(target: channels.source, source: channels.target)] : [])
    for (target, source) in directions {
      var job = tutti_winograd()
      job.source_channels = Int32(source)
      job.target_channels = Int32(target)
      job.z_taps = Int32(axes[0].kernel)
      requireScratch(Int(tutti_winograd_scratch(&job)))
      let held = Execution.winogradTargets(target, depth: axes[0].kernel * source)
      sizes.winogradFloats = max(
        sizes.winogradFloats, Int(tutti_winograd_weight_count(Int32(held), Int32(source), Int32(axes[0].kernel))))
    }
  }
}
