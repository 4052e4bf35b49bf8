import CKernels
import Host

extension Execution {
  private typealias ChannelList = UnsafeMutablePointer<UnsafeMutablePointer<Float>?>

  /// Transforms the weights of a set's products for both passes, and gathers their biases.
  func pack(_ set: FilterSet) {
    var first = 0
    for entry in set.stages.entries {
      let stage = plan.stages[plan.listedStages[entry]]
      guard let product = stage.product else { continue }
      let (weights, count) = (weights(product), stage.target.channels)
      let (zTaps, xTaps) = (Int32(product.zTaps), Int32(product.xTaps))
      tutti_filtering_pack(
        weights, Int32(count), Int32(set.sources), Int32(first), Int32(set.targets), 0, Int32(set.sources), zTaps,
        xTaps,
        false, packed.pointer + set.packed.offset)
      if stage.sourceGradient != nil {
        tutti_filtering_pack(
          weights, Int32(set.sources), Int32(count), 0, Int32(set.sources), Int32(first), Int32(set.targets), zTaps,
          xTaps, true, packed.pointer + set.packedTransposed.offset)
      }
      if let biases = set.biases {
        let to = packed.pointer + biases.offset + first
        if let bias = product.bias {
          to.update(from: parameters.pointer + bias.offset, count: count)
        } else {
          to.update(repeating: 0, count: count)
        }
      }
      first += count
    }
  }

  /// Computes the raw results of a set's stages for the quads that begin in some rows.
  func filter(_ set: FilterSet, _ source: FeaturePlanes, _ sample: Int, _ rows: Range<Int>, _ thread: Int) {
    guard let (stage, product) = first(of: set) else { return }
    let lists = lists(of: thread)
    list(source, at: lists)
    listTargets(of: set, sample, at: lists + set.sources) { $0.raw }
    var job = filtering(set, product, lists, sources: set.sources, targets: set.targets)
    job.source_pitch = Int32(source.geometry.pitch)
    let target = stage.raw.geometry
    job.target_pitch = Int32(target.pitch)
    (job.planes, job.rows) = (Int32(target.nz), Int32(target.ny))
    job.width = Int32(target.nx)
    job.row_of = set.rows
    (job.z, job.x_shift) = (product.z, product.xShifts)
    job.first_source_x = Int32(-set.border.folded)
    job.last_source_x = Int32(source.geometry.nx + set.border.folded)
    job.weights = UnsafePointer(packed.pointer + set.packed.offset)
    job.bias = set.biases.map { UnsafePointer(packed.pointer + $0.offset) }
    run(job, set, rows, target, thread)
  }

  /// Adds the parts of all stages of a group, some of them filtered, to the gradient of their source, in rows that
  /// begin and end with quads.
  func filterGradients(_ group: StageGroup, _ sample: Int, _ rows: Range<Int>, _ thread: Int) {
    var accumulates = !group.storesGradient
    for id in group.stages {
      let stage = plan.stages[id]
      guard let product = stage.product, product.algorithm == .direct else { continue }
      addDataGradient(
        stage, product, sample, rows, channels: 0..<group.commonChannels, packed: product.packedTransposed,
        accumulates: accumulates)
      accumulates = true
    }
    for id in group.filterSets {
      filterGradient(plan.filterSets[id], sample, rows, thread, accumulates: accumulates)
      accumulates = true
    }
    for id in group.filterSets where plan.filterSets[id].folds {
      addFolded(plan.filterSets[id], group, sample, rows)
    }
  }

  private func filterGradient(
    _ set: FilterSet, _ sample: Int, _ rows: Range<Int>, _ thread: Int, accumulates: Bool
  ) {
    guard let (stage, product) = first(of: set), let gradient = stage.targetGradient,
      let sourceGradient = stage.sourceGradient
    else { return }
    let target = planes(sourceGradient, sample)
    let lists = lists(of: thread)
    listTargets(of: set, sample, at: lists) { $0.targetGradient }
    list(target, at: lists + set.targets)
    var job = filtering(set, product, lists, sources: set.targets, targets: set.sources)
    job.source_pitch = Int32(gradient.geometry.pitch)
    job.target_pitch = Int32(target.geometry.pitch)
    (job.planes, job.rows) = (Int32(target.geometry.nz), Int32(target.geometry.ny))
    job.first_x = Int32(-product.reach)
    job.width = Int32(target.geometry.nx + 2 * product.reach)
    job.row_of = set.adjointRows
    (job.z, job.x_shift) = (product.adjointZ, product.adjointXShifts)
    (job.first_source_x, job.last_source_x) = (0, Int32(gradient.geometry.nx))
    (job.folded, job.folded_count) = (set.foldedX.baseAddress, Int32(set.foldedX.count))
    job.weights = UnsafePointer(packed.pointer + set.packedTransposed.offset)
    job.accumulate = accumulates
    run(job, set, rows, target.geometry, thread)
  }

  /// Adds to rows near the border of each plane what rows outside received that stand for them.
  private func addFolded(_ set: FilterSet, _ group: StageGroup, _ sample: Int, _ rows: Range<Int>) {
    guard let (stage, _) = first(of: set), let place = stage.sourceGradient else { return }
    let ny = place.geometry.ny
    for z in rows.lowerBound / ny...(rows.upperBound - 1) / ny {
      let start = z * ny
      for folded in [start..<start + set.foldedHead, start + (set.foldedTail ?? ny)..<start + ny] {
        let part = folded.clamped(to: rows)
        if !part.isEmpty {
          addFoldedRows(set, group, planes(place, sample).part(0..<group.commonChannels), sample, part)
        }
      }
    }
  }

  /// Does so for some rows and their halo, which is folded back at once if nothing else lies there.
  private func addFoldedRows(
    _ set: FilterSet, _ group: StageGroup, _ target: FeaturePlanes, _ sample: Int, _ rows: Range<Int>
  ) {
    func forEachChannel(_ body: (UnsafeMutablePointer<Float>) -> Void) {
      guard !set.foldedX.isEmpty else { return }
      for channel in 0..<target.channels { body(target.row(rows.lowerBound, channel: channel)) }
    }
    let (count, pitch, nx) = (Int64(rows.count), target.geometry.pitch, Int32(target.geometry.nx))
    forEachChannel { tutti_fill_halo($0, count, pitch, nx, TUTTI_ZEROS, set.border.width) }
    for entry in set.stages.entries {
      let stage = plan.stages[plan.listedStages[entry]]
      guard var product = stage.product else { continue }
      product.adjointY = set.foldedY
      if !set.foldedX.isEmpty { product.reach = Int(set.border.width) }
      addDataGradient(
        stage, product, sample, rows, channels: 0..<group.commonChannels, packed: product.packedTransposed,
        accumulates: true)
    }
    forEachChannel { tutti_fold_halo($0, count, pitch, nx, set.border.padding, set.border.width) }
  }

  // MARK: Weight gradients

  /// The gradients of all shards for the filtered weights of a group; for all its weights if its source is a virtual
  /// concatenation.
  func filteredWeightGradients(_ group: StageGroup) {
    guard shards > 0,
      group.virtualSource != nil || plan.filterSets[group.filterSets].contains(where: \.takesWeightGradients)
    else { return }
    // How channels are cut into pieces changes no sum: every weight is summed in one order. Each piece transforms the
    // gradients once more.
    let pieces = min(group.commonChannels, max(1, (2 * team.size + shards - 1) / shards))
    team.run(count: shards * pieces) { piece, thread in
      let (shard, part) = piece.quotientAndRemainder(dividingBy: pieces)
      let sources = part * group.commonChannels / pieces..<(part + 1) * group.commonChannels / pieces
      for sample in samples(of: shard) {
        let source =
          group.virtualSource.map { recompute($0, sample, sources, 0..<$0.planes.rows, thread) }
          ?? planes(plan.stages[group.stages.lowerBound].source, sample)
        for id in group.filterSets where plan.filterSets[id].takesWeightGradients {
          filteredWeightGradient(plan.filterSets[id], source, shard: shard, sample, sources, thread)
        }
        guard group.virtualSource != nil else { continue }
        for id in group.stages where plan.stages[id].product?.gradientAlgorithm == .rows {
          rowGradient(plan.stages[id], source, shard: shard, sample, sources)
        }
      }
    }
  }

  private func filteredWeightGradient(
    _ set: FilterSet, _ source: FeaturePlanes, shard: Int, _ sample: Int, _ sources: Range<Int>, _ thread: Int
  ) {
    guard let (stage, product) = first(of: set), let gradient = stage.targetGradient else { return }
    let lists = lists(of: thread)
    list(source, at: lists)
    listTargets(of: set, sample, at: lists + set.sources) { $0.targetGradient }
    var results = lists + set.sources + set.targets
    for entry in set.stages.entries {
      guard let product = plan.stages[plan.listedStages[entry]].product else { continue }
      let weights = shardWeights.pointer + product.groupWeight * shards + shard * product.weight.count
      for channel in 0..<product.narrow.channels {
        results[channel] = weights + (channel * set.sources + sources.lowerBound) * product.taps
      }
      results += product.narrow.channels
    }
    var job = tutti_filtering_gradient()
    job.sources = constant(lists + sources.lowerBound)
    job.source_channels = Int32(sources.count)
    job.source_pitch = Int32(source.geometry.pitch)
    job.gradients = constant(lists + set.sources)
    job.target_channels = Int32(set.targets)
    job.gradient_pitch = Int32(gradient.geometry.pitch)
    (job.planes, job.rows) = (Int32(gradient.geometry.nz), Int32(gradient.geometry.ny))
    job.width = Int32(gradient.geometry.nx)
    job.dilation = Int32(set.dilation)
    job.row_of = set.rows
    job.z = product.z
    (job.z_taps, job.x_taps, job.x_shift) = (Int32(product.zTaps), Int32(product.xTaps), product.xShifts)
    job.accumulate = sample > shard * samplesPerShard
    job.results = UnsafePointer(lists + set.sources + set.targets)
    tutti_filtering_weight_gradient(&job, scratch.pointer + thread * plan.sizes.scratchFloats)
  }

  // MARK: Jobs

  /// The first stage of a set; all of them read the same rows.
  @inline(__always)
  private func first(of set: FilterSet) -> (stage: Stage, product: Product)? {
    let stage = plan.stages[plan.listedStages[set.stages.entries.lowerBound]]
    return stage.product.map { (stage, $0) }
  }

  @inline(__always)
  private func lists(of thread: Int) -> ChannelList { channelLists.pointer + thread * plan.sizes.longestChannelList }

  @inline(__always)
  private func constant(_ list: ChannelList) -> UnsafePointer<UnsafePointer<Float>?> {
    UnsafeRawPointer(list).assumingMemoryBound(to: UnsafePointer<Float>?.self)
  }

  @inline(__always)
  private func list(_ planes: FeaturePlanes, at list: ChannelList) {
    for channel in 0..<planes.channels { list[channel] = planes.row(0, channel: channel) }
  }

  /// Lists the channels of one place of every stage.
  @inline(__always)
  private func listTargets(of set: FilterSet, _ sample: Int, at list: ChannelList, _ place: (Stage) -> Place?) {
    var list = list
    for entry in set.stages.entries {
      guard let place = place(plan.stages[plan.listedStages[entry]]) else { continue }
      self.list(planes(place, sample), at: list)
      list += place.channels
    }
  }

  @inline(__always)
  private func filtering(
    _ set: FilterSet, _ product: Product, _ lists: ChannelList, sources: Int, targets: Int
  ) -> tutti_filtering {
    var job = tutti_filtering()
    job.sources = constant(lists)
    job.source_channels = Int32(sources)
    job.targets = UnsafePointer(lists + sources)
    job.target_channels = Int32(targets)
    job.dilation = Int32(set.dilation)
    (job.z_taps, job.x_taps) = (Int32(product.zTaps), Int32(product.xTaps))
    return job
  }

  private func run(
    _ job: tutti_filtering, _ set: FilterSet, _ rows: Range<Int>, _ geometry: PlaneGeometry, _ thread: Int
  ) {
    var job = job
    tutti_filtering_run(
      &job, Int32(set.quad(from: rows.lowerBound, of: geometry)), Int32(set.quad(from: rows.upperBound, of: geometry)),
      scratch.pointer + thread * plan.sizes.scratchFloats)
  }
}
