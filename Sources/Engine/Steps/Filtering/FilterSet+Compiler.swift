import CKernels
import Host
import Networks

extension PlanCompiler {
  /// The fewest channels on both sides, and the fewest pixels of a row, for which minimal filtering along y pays.
  private static let filteredChannels = 3
  private static let filteredWidth = 32

  /// Whether minimal filtering along y can compute a convolution, and few rows of its quads lie outside the image.
  private func suitsFiltering(_ product: Int, _ axes: [AxisConvolution]) -> Bool {
    let (y, x) = (axes[1], axes[2])
    guard !isSeamless, y.kernel == 3, y.stride == 1, y.padding == y.dilation, x.stride == 1, x.kernel <= 3,
      axes[0].stride == 1, min(x.target, x.source) >= Self.filteredWidth
    else { return false }
    let entries = (axes[0].forward + axes[0].adjoint).map(\.count).max() ?? 0
    let covered = 4 * Int(tutti_filtering_quads(Int32(y.target), Int32(y.dilation)))
    return entries <= Int(TUTTI_FILTERING_ENTRIES) && 4 * covered <= 5 * y.target
      && shapes[graph.nodes[product].inputs[0]].channels >= Self.filteredChannels
  }

  /// Whether minimal filtering computes a product, whatever else its group holds.
  func isFiltered(_ product: Int) -> Bool {
    algorithm(product) == .direct && shapes[product].channels >= Self.filteredChannels
      && suitsFiltering(product, axes(product))
  }

  /// Whether minimal filtering computes a draft's product in a group, and its data gradient.
  func isFiltered(_ draft: Draft, in group: [Draft]) -> Bool {
    guard let product = draft.product else { return false }
    return isFiltered(product) && commonChannels(group) == sourceChannels(group) && recomputedFrom[draft.source] == nil
  }

  /// Finds the sets among the stages of a group whose drafts all read the whole of one stored stack, and changes the
  /// stages' algorithms.
  mutating func formFilterSets(_ group: [Draft], _ members: Indices<Stage>) -> Indices<FilterSet> {
    let begin = filterSets.endIndex
    var sets: [(axes: [AxisConvolution], pitches: [Int], stages: [StageID])] = []
    for (draft, id) in zip(group, members) {
      let stage = stages[id]
      guard let product = draft.product, stage.product?.algorithm == .direct else { continue }
      let axes = axes(product)
      guard suitsFiltering(product, axes) else { continue }
      let pitches = [stage.raw.geometry.pitch, stage.targetGradient?.geometry.pitch ?? 0]
      if let place = sets.firstIndex(where: { $0.axes == axes && $0.pitches == pitches }) {
        sets[place].stages.append(id)
      } else {
        sets.append((axes, pitches, [id]))
      }
    }
    for (axes, _, ids) in sets where ids.reduce(0, { $0 + stages[$1].target.channels }) >= Self.filteredChannels {
      addFilterSet(axes, ids, padding: border(group[0].source).padding)
    }
    return Indices(begin, to: filterSets.endIndex)
  }

  /// Makes a list of stages that a step can point to.
  mutating func list(_ ids: [StageID]) -> StageList {
    defer { listedStages += ids }
    return StageList(entries: listedStages.count..<listedStages.count + ids.count)
  }

  private mutating func addFilterSet(_ axes: [AxisConvolution], _ ids: [StageID], padding: tutti_padding) {
    let (y, x, first) = (axes[1], axes[2], stages[ids[0]])
    guard let product = first.product else { preconditionFailure("a product") }
    let sources = first.source.channels
    let targets = ids.reduce(0) { $0 + stages[$1].target.channels }
    let (zTaps, xTaps) = (axes[0].kernel, axes[2].kernel)
    let weights = tutti_filtering_packed_count(Int32(targets), Int32(sources), Int32(zTaps), Int32(xTaps))
    // Rows of whole quads, and those that their taps reach.
    let length = roundUp(y.target, to: 4 * y.dilation) + 2 * y.dilation
    let forward = y.forward
    func sourceRow(_ padded: Int) -> Int? {
      for tap in 0..<3 {
        let target = padded - (tap - 1) * y.dilation
        guard forward.indices.contains(target) else { continue }
        return forward[target].first { $0.tap == tap }?.source
      }
      return nil
    }
    let rows = ShiftTable((0..<length).map { Int32(sourceRow($0 - y.dilation) ?? -1) })
    let adjointRows = ShiftTable(
      (0..<length).map { (0..<y.target).contains($0 - y.dilation) ? Int32($0 - y.dilation) : -1 })
    let folded = y.folded
    let isFolded = folded.map { !$0.isEmpty }
    let middle = y.source / 2
    let map = AxisMap(folded)
    let border = Border(
      padding: padding, width: Int32(x.padding), folded: padding == TUTTI_ZEROS ? 0 : x.padding)
    let foldedX = FoldedPixels(product.reach == 0 ? x : nil)
    tables += [rows, adjointRows, map, foldedX] as [AnyObject & Sendable]
    let set = FilterSet(
      stages: list(ids), sources: sources, targets: targets,
      dilation: y.dilation, rows: rows.shifts, adjointRows: adjointRows.shifts, foldedY: map.entries,
      foldedHead: isFolded[..<middle].lastIndex(of: true).map { $0 + 1 } ?? 0,
      foldedTail: isFolded[middle...].firstIndex(of: true),
      foldedX: foldedX.pixels, border: border,
      packed: reservePacked(weights), packedTransposed: training ? reservePacked(weights) : .empty,
      biases: ids.contains { stages[$0].product?.bias != nil } ? reservePacked(targets) : nil,
      takesWeightGradients: zTaps == 1 && ids.allSatisfy { stages[$0].product?.gradientAlgorithm == .rows })
    for id in ids {
      stages[id].product?.algorithm = .filtering
      if set.takesWeightGradients { stages[id].product?.gradientAlgorithm = .filtering }
      stages[id].isFinishedLate = !alignsPieces(set, stages[id].target.geometry)
    }
    filterSets.append(set)
    sizes.longestChannelList = max(sizes.longestChannelList, sources + 2 * targets)
    reserveScratch(set, product, axes)
  }

  /// Whether pieces of whole bands begin where quads do.
  private func alignsPieces(_ set: FilterSet, _ geometry: PlaneGeometry) -> Bool {
    let unit = 4 * set.dilation
    if geometry.bands == 1 { return true }
    return geometry.bandRows % unit == 0 && (geometry.nz == 1 || geometry.ny % unit == 0)
  }

  private mutating func reserveScratch(_ set: FilterSet, _ product: Product, _ axes: [AxisConvolution]) {
    var job = tutti_filtering()
    job.x_taps = Int32(axes[2].kernel)
    func add(
      _ sources: Int, _ targets: Int, width: Int, firstX: Int, z: tutti_axis, planes: Int, shifts: UnsafePointer<Int32>
    ) {
      job.source_channels = Int32(sources)
      job.target_channels = Int32(targets)
      job.width = Int32(width)
      job.first_x = Int32(firstX)
      (job.z, job.planes, job.x_shift) = (z, Int32(planes), shifts)
      requireScratch(Int(tutti_filtering_scratch(&job)))
    }
    add(
      set.sources, set.targets, width: axes[2].target, firstX: 0, z: product.z, planes: axes[0].target,
      shifts: product.xShifts)
    guard training else { return }
    (job.folded, job.folded_count) = (set.foldedX.baseAddress, Int32(set.foldedX.count))
    add(
      set.targets, set.sources, width: axes[2].source + 2 * product.reach, firstX: -product.reach, z: product.adjointZ,
      planes: axes[0].source, shifts: product.adjointXShifts)
    guard set.takesWeightGradients else { return }
    var gradient = tutti_filtering_gradient()
    gradient.target_channels = Int32(set.targets)
    gradient.width = Int32(axes[2].target)
    gradient.x_taps = Int32(axes[2].kernel)
    gradient.x_shift = product.xShifts
    // Threads may divide the sources among themselves.
    for sources in 1...set.sources {
      gradient.source_channels = Int32(sources)
      requireScratch(Int(tutti_filtering_gradient_scratch(&gradient)))
    }
  }

  /// The unit of the rows in a piece of a group's data gradients: a multiple of the quads of all its sets, so that
  /// every row is summed in one piece.
  func filteredUnit(_ sets: Indices<FilterSet>, _ geometry: PlaneGeometry) -> Int {
    if geometry.nz > 1 { return geometry.ny }
    var unit = 1
    for set in filterSets[sets] where unit < geometry.ny { unit = leastCommonMultiple(unit, 4 * set.dilation) }
    return min(unit, geometry.ny)
  }
}

/// What pixels of the data gradient receive along x through padding other than zeros, in memory that kernels read.
private final class FoldedPixels: Sendable {
  nonisolated(unsafe) let pixels: UnsafeBufferPointer<tutti_folded_pixel>

  init(_ axis: AxisConvolution?) {
    var list: [tutti_folded_pixel] = []
    if let axis {
      for (x, pairs) in axis.folded.enumerated() {
        list += pairs.map { tutti_folded_pixel(tap: Int32($0.tap), x: Int32(x), source: Int32($0.source)) }
      }
    }
    let storage = UnsafeMutableBufferPointer<tutti_folded_pixel>.allocate(capacity: list.count)
    _ = storage.initialize(from: list)
    pixels = UnsafeBufferPointer(storage)
  }

  deinit { pixels.deallocate() }
}
