import Ensembles
import HDF5
import Host
import Imaging
import JobFiles
import MessagePassing
import Uncertainty

/// Predicts regions tile by tile on all ranks and writes them into one file, collectively.
struct PredictionWriter {
  let ensemble: EnsemblePredictor
  /// Nil: no prediction sets or intervals.
  let calibration: Calibration?
  let form: AnswerForm
  /// Of the classes of images that are told beside; nil when none are.
  let classForm: AnswerForm?
  /// What combines the members' answers beside their mean; nil when nothing does.
  let aggregator: Aggregator?
  let world: Communicator
  /// Whether the members' latent values are written too.
  let writesLatents: Bool
  /// Maps of statistics over members; nil: none.
  let statistics: StatisticsSection?
  /// What of `/entry/prediction` is written, and in which form.
  let results: ResultsForm
  private let images: ImageSource
  /// The images whose gaps the prediction fills; nil when that is not what it is for.
  private let gaps: ImageSource?

  /// - Parameter images: those that are predicted. Where they are answered with images of as many channels, and it is said
  ///   which of their pixels were measured, the others are filled by the prediction.
  init(
    _ ensemble: EnsemblePredictor, calibration: Calibration?, images: ImageSource, latents: Bool,
    statistics: StatisticsSection? = nil, aggregator: Aggregator? = nil, results: Job.ResultsSection? = nil,
    over world: Communicator
  ) {
    self.images = images
    self.statistics = statistics
    self.aggregator = aggregator
    self.ensemble = ensemble
    writesLatents = latents
    self.calibration = calibration
    form = AnswerForm(ensemble.members[0].settings, images.layout)
    self.results = ResultsForm(results, isOfClasses: form.task.hasClasses, members: ensemble.members.count)
    let isFilled = form.task == .regression && images.validity != nil && form.channels == images.channels
    gaps = isFilled ? images : nil
    classForm = AnswerForm.classes(beside: ensemble.members[0].settings)
    self.world = world
  }

  /// Writes `/entry/prediction`, and where they are said `/entry/classification` and `/entry/aggregate`, into a new
  /// file at `paths.unfinished`. Collective; memory does not grow with the number of tiles.
  ///
  /// Where a prediction of the same was interrupted, its tiles are taken over, and only the others are predicted. When this
  /// one is interrupted, what it has written stays.
  ///
  /// - Parameters:
  ///   - scaling: of the images, with the numbers of each where they have their own.
  ///   - exact: what of what the results do not hold exactly goes to `paths.exact`, if evaluation or masks need it; nil: nothing.
  ///   - identity: what the prediction is made from, by `identity(of:images:scaling:settings:)`.
  ///   - sums: of the tiles; what shifts is added here, all else by who calls.
  ///   - stop: looked at between tiles.
  ///   - begin: told how many tiles this rank predicts, and how many of all are there already.
  ///   - eachMember: called with what each member says of a tile of a region.
  func write(
    _ work: TileWork, scaledBy scaling: IntensityScaling, to paths: RunPaths, exact: ResultsForm? = nil,
    identity: String,
    sums: PredictionSums,
    stop: StopRequest, begin: (_ own: Int, _ there: Int) -> Void,
    eachMember:
      @escaping (
        _ region: Region, _ member: Int, Tile, _ answer: UnsafeBufferPointer<Float>,
        _ classes: UnsafeBufferPointer<Float>
      ) throws -> Void
  ) throws {
    let latent = try world.agree { writesLatents ? try latentShape(work) : nil }
    let hasEarlier = try world.decidedOnRoot { try paths.setAsideUnfinished() }
    do {
      let file = try SharedFile(creating: paths.unfinished, on: world, team: ensemble.team)
      let levels = calibration?.levels.count ?? 0
      let datasets = try PredictionDatasets(
        file, work: work, form: form, results, levels: levels, hasComposite: gaps != nil, latent: latent,
        maps: statistics?.datasets ?? [])
      let exactFile = try exact.map { _ in try SharedFile(creating: paths.exact, on: world, team: ensemble.team) }
      let exactDatasets = try exact.flatMap { exact in
        try exactFile.map { try PredictionDatasets($0, work: work, form: form, exact, levels: levels) }
      }
      let whole = results.whole
      let maps = statistics.map {
        EnsembleStatistics(
          $0, channels: form.channels, quantiles: form.quantiles, isPlain: ensemble.combination.isPlain)
      }
      let classes = try classForm.map {
        try PredictionDatasets(file, "classification", work: work, form: $0, whole, levels: levels)
      }
      let combined = try aggregator.map { _ in
        try PredictionDatasets(file, "aggregate", work: work, form: form, whole, levels: 0, hasSpread: false)
      }
      ensemble.keepsLatents = latent != nil
      let hash = FNV1a.hash(of: identity + file.form + (exactFile?.form ?? ""))
      let journal = try PredictionJournal(in: paths.journal, identity: hash, over: world)
      // With two files all ranks write equally often, so that each write meets those of the others to the same file.
      var left = 0
      func write(
        _ parts: [SharedDataset.Part], _ exactParts: [SharedDataset.Part]
      ) throws -> (chunks: [StoredChunk], exact: [StoredChunk]) {
        let chunks = try file.write(parts)
        left -= 1
        return (chunks, try exactFile?.write(exactParts) ?? [])
      }
      do {
        let done =
          hasEarlier
          ? try takeOver(
            paths.earlierPrediction, identity: hash, tiles: work.count, sums: sums, journal, stop: stop, write) : []
        let mine = work.share(rank: world.rank, of: world.size, without: done)
        begin(mine.reduce(0) { $0 + $1.tiles.count }, done.count)
        left = exactFile == nil ? 0 : Shares(of: work.count - done.count, among: world.size).largest
        let parts = mine.map { $0.reading(images, scaledBy: scaling) }
        var numbers = mine.flatMap { part in part.tiles.map { part.first + $0 } }[...]
        let each: EnsemblePredictor.EachMember = { part, member, tile, answer, classes in
          if member == 0 { try stop.check() }
          aggregator?.take(answer, of: member)
          maps?.add(answer, of: member)
          try eachMember(mine[part].region, member, tile, answer, classes)
        }
        try ensemble.predict(parts, eachMember: each) { index, answer in
          let (part, number) = (mine[index], numbers.removeFirst())
          var own = try tile(answer, region: part.index, part.region)
          if let maps {
            own.statistics = maps.maps(mean: form.value(answer.mean), deviation: form.value(answer.deviation))
          }
          var written = try datasets.parts(of: own)
          if let classes { written += try classes.parts(of: classTile(answer, region: part.index)) }
          if let combined, let tile = try aggregateTile(answer, region: part.index) {
            written += try combined.parts(of: tile)
          }
          let stored = try write(written, try exactDatasets?.parts(of: own) ?? [])
          try sums.shift?.add(
            answer, form, region: part.index, channels: ensemble.members[0].settings.inputChannels, parts[index].read)
          try journal.add(
            PredictionJournal.Entry(
              tile: number, chunks: stored.chunks, exactChunks: stored.exact, sums: sums.endTile(number)))
        }
        while left > 0 { _ = try write([], []) }
      } catch {
        // The other ranks learn of it, and end too.
        try file.finish(failure: error)
      }
      try file.finish()
      try exactFile?.finish()
    } catch {
      // The next run goes on from what an interrupted one has written. On a disk that is full it is of no use.
      if world.rank == 0, !Interruption.isCause(of: error) { try? paths.removeUnfinished() }
      throw error
    }
  }

  /// Copies the whole tiles of an interrupted prediction, which ranks divide among themselves, and removes it. Collective.
  ///
  /// - Parameter write: writes chunks of the results and of what they do not hold exactly; all ranks call it equally often.
  /// - Returns: the tiles of all ranks.
  private func takeOver(
    _ earlier: UnfinishedPrediction, identity: UInt64, tiles: Int, sums: PredictionSums, _ journal: PredictionJournal,
    stop: StopRequest,
    _ write: ([SharedDataset.Part], [SharedDataset.Part]) throws -> (chunks: [StoredChunk], exact: [StoredChunk])
  ) throws -> Set<Int> {
    let index = try PredictionJournal.Index(of: earlier.journal, identity: identity, tiles: tiles, over: world)
    let (results, exact) = (UnfinishedFile(earlier.results), UnfinishedFile(earlier.exact))
    let shares = Shares(of: index.places.count, among: world.size)
    let mine = index.places[shares[world.rank]]
    var own: [Int] = []
    for round in 0..<shares.largest {
      try stop.check()
      guard let place = mine.dropFirst(round).first, let entry = index.entry(place),
        let parts = results?.parts(entry.chunks),
        let exactParts = entry.exactChunks.isEmpty ? [] : exact?.parts(entry.exactChunks)
      else {
        _ = try write([], [])
        continue
      }
      guard sums.addTile(entry.tile, entry.sums) else {
        throw RunError.file(earlier.journal, action: "read", reason: "it holds other numbers")
      }
      let copied = try write(parts, exactParts)
      try journal.add(
        PredictionJournal.Entry(
          tile: entry.tile, chunks: copied.chunks, exactChunks: copied.exact, sums: Array(entry.sums)))
      own.append(entry.tile)
    }
    let all = Set(try world.allGather(own).joined())
    try world.onRoot { try earlier.remove() }
    return all
  }

  /// `[member, channel, (z, y, x)]` of the members' latent values; a vector has no axes of pixels.
  ///
  /// - Throws: `RunError.noLatents` when the networks have none, `RunError.latentTiles` when an image is cut into
  ///   tiles.
  private func latentShape(_ work: TileWork) throws -> [Int] {
    guard let first = work.grids.first, work.grids.allSatisfy({ $0.count == 1 && $0.input == first.input }) else {
      throw RunError.latentTiles(work.regions.first?.extents ?? Extents(y: 0, x: 0))
    }
    guard let shape = try ensemble.latentShape(of: first.input) else { throw RunError.noLatents }
    return [ensemble.members.count, shape.channels] + (shape.pixels > 1 ? shape.extents : [])
  }

  /// A tile's values with its prediction sets or intervals.
  private func tile(
    _ answer: EnsemblePredictor.Answer, region: Int, _ place: Region
  ) throws -> PredictionDatasets.Tile {
    var tile = PredictionDatasets.Tile(
      region: region, core: answer.tile.core, mean: Array(form.value(answer.mean)),
      deviation: spread(form.value(answer.deviation)))
    tile.latents = Array(answer.latents)
    addLabels(answer.mean, form, to: &tile)
    if !form.quantiles.isEmpty { tile.quantiles = Array(answer.mean) }
    switch calibration?.thresholds {
    case nil: break
    case .intervals(let intervals):
      guard let scaling = ensemble.members[0].targetScaling else { break }
      var planes = IntervalPlanes(intervals.method, targetScaling: scaling, form: form)
      planes.take(mean: answer.mean, deviation: answer.deviation)
      for level in intervals.levels.indices {
        planes.writeIntervals(intervals, level: level, lower: &tile.lower, upper: &tile.upper)
      }
    case .sets(let conformal): try writeSets(conformal, answer.mean, voxels: answer.voxels, to: &tile)
    }
    if let gaps { try fill(gaps, place, &tile) }
    return tile
  }

  /// The standard deviation over members as it is written: NaN of a single one, of which nothing is known.
  private func spread(_ deviation: UnsafeBufferPointer<Float>) -> [Float] {
    ensemble.members.count > 1 ? Array(deviation) : Array(repeating: .nan, count: deviation.count)
  }

  /// Puts a tile's answer into the gaps of its image.
  private func fill(_ images: ImageSource, _ region: Region, _ tile: inout PredictionDatasets.Tile) throws {
    let (values, isMeasured) = try images.measured(
      tile.core.moved(z: region.z.lowerBound), ofImage: region.image)
    func filled(_ answer: [Float]) -> [Float] {
      answer.indices.map { isMeasured[$0 % isMeasured.count] ? values[$0 % values.count] : answer[$0] }
    }
    tile.composite = filled(tile.mean)
    tile.measured = isMeasured.map { $0 ? 1 : 0 }
    tile.compositeLower = filled(tile.lower)
    tile.compositeUpper = filled(tile.upper)
  }

  /// The classes of an image that are told beside its answer.
  private func classTile(_ answer: EnsemblePredictor.Answer, region: Int) throws -> PredictionDatasets.Tile {
    var tile = PredictionDatasets.Tile(
      region: region, core: answer.tile.core, mean: Array(answer.classMean), deviation: spread(answer.classDeviation))
    if let classForm { addLabels(answer.classMean, classForm, to: &tile) }
    if let sets = calibration?.classes { try writeSets(sets, answer.classMean, voxels: 1, to: &tile) }
    return tile
  }

  /// What the combination of the members says of a tile; nil when nothing combines them.
  private func aggregateTile(
    _ answer: EnsemblePredictor.Answer, region: Int
  ) throws -> PredictionDatasets.Tile? {
    guard let combined = try aggregator?.answer(over: answer.tile.core.extents) else { return nil }
    return combined.withUnsafeBufferPointer { values in
      var tile = PredictionDatasets.Tile(
        region: region, core: answer.tile.core, mean: Array(form.value(values)), deviation: [])
      addLabels(values, form, to: &tile)
      if !form.quantiles.isEmpty { tile.quantiles = combined }
      return tile
    }
  }

  /// - Parameter mean: `[class, voxel]`.
  private func addLabels(
    _ mean: UnsafeBufferPointer<Float>, _ form: AnswerForm, to tile: inout PredictionDatasets.Tile
  ) {
    if form.task.hasClasses { mostLikely(mean, classes: form.channels, into: &tile.labels) }
  }

  /// - Parameter mean: `[class, voxel]`.
  private func writeSets(
    _ conformal: SplitConformal, _ mean: UnsafeBufferPointer<Float>, voxels: Int,
    to tile: inout PredictionDatasets.Tile
  ) throws {
    let (classes, levels) = (mean.count / voxels, conformal.levels.count)
    tile.sets = [UInt8](repeating: 0, count: levels * classes * voxels)
    tile.sizes = [UInt8](repeating: 0, count: levels * voxels)
    try tile.sets.withUnsafeMutableBufferPointer { sets in
      try tile.sizes.withUnsafeMutableBufferPointer { sizes in
        guard let mean = mean.baseAddress, let set = sets.baseAddress, let size = sizes.baseAddress
        else { return }
        for level in 0..<levels {
          try conformal.writeSets(
            mean, classes: classes, pixels: voxels, level: level, set: set + level * classes * voxels,
            sizes: size + level * voxels)
        }
      }
    }
  }
}

/// The most likely class of each pixel; the first of equals.
///
/// - Parameter probabilities: `[class, pixel]`.
func mostLikely(_ probabilities: UnsafeBufferPointer<Float>, classes: Int, into predictions: inout [UInt8]) {
  let pixels = probabilities.count / classes
  predictions.removeAll(keepingCapacity: true)
  for pixel in 0..<pixels {
    var best = 0
    for c in 1..<max(1, classes) where probabilities[c * pixels + pixel] > probabilities[best * pixels + pixel] {
      best = c
    }
    predictions.append(UInt8(best))
  }
}
