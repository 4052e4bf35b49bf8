import Engine
import Ensembles
import Foundation
import HDF5
import Host
import ImageFiles
import Imaging
import Networks
import TestSupport
import Testing
import Training
import Uncertainty

@Suite struct EnsemblePredictorTests {
  /// The answers of all tiles put together: mean, deviation `[class, y, x]`, and each member's probabilities.
  private struct Whole: Equatable {
    var mean: [Float]
    var deviation: [Float]
    var members: [[Float]]
  }

  private func members(_ problem: Problem) throws -> [TrainedMember] {
    let trainer = try problem.trainer()
    return try (0..<problem.settings.members).map { try trainer.train($0) }
  }

  private func predict(
    _ members: [TrainedMember], _ region: LearningRegion, _ grid: TileGrid, threads: Int = 1, ranks: Int = 1
  ) throws -> Whole {
    let extents = region.region.extents
    let zeros = [Float](repeating: -1, count: 2 * extents.count)
    var whole = Whole(mean: zeros, deviation: zeros, members: members.map { _ in zeros })
    func place(_ values: UnsafeBufferPointer<Float>, _ core: Box, in target: inout [Float]) {
      var next = 0
      for channel in 0..<2 {
        for z in core.z {
          for y in core.y {
            for x in core.x {
              target[((channel * extents.z + z) * extents.y + y) * extents.x + x] = values[next]
              next += 1
            }
          }
        }
      }
      #expect(next == values.count)
    }
    for rank in 0..<ranks {
      // Every rank has a predictor of its own.
      let predictor = try EnsemblePredictor(members, team: try ThreadTeam(size: threads))
      try predictor.predict(
        grid: grid, tiles: Shares(of: grid.count, among: ranks)[rank],
        reading: EnsemblePredictor.reader(of: region),
        eachMember: { member, tile, answer, _ in place(answer, tile.core, in: &whole.members[member]) },
        eachTile: { answer in
          place(answer.mean, answer.tile.core, in: &whole.mean)
          place(answer.deviation, answer.tile.core, in: &whole.deviation)
        })
    }
    return whole
  }

  @Test("mean and sample standard deviation are those of the members' probabilities")
  func moments() throws {
    let problem = try Problem()
    let region = problem.data.regions[0]
    let grid = TileGrid(region: region.region.extents, tile: region.region.extents)
    let whole = try predict(try members(problem), region, grid)
    for index in whole.mean.indices {
      let values = whole.members.map { Double($0[index]) }
      let mean = values.reduce(0, +) / 3
      let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 2).squareRoot()
      #expect(abs(Double(whole.mean[index]) - mean) < 1e-6)
      #expect(abs(Double(whole.deviation[index]) - deviation) < 1e-6)
    }
    for member in whole.members {
      for pixel in 0..<576 { #expect(abs(member[pixel] + member[576 + pixel] - 1) < 1e-6) }
    }
    #expect(Set(whole.members).count == 3)
  }

  @Test(
    "tiles with margins as wide as the networks see give the whole region's answer",
    arguments: [Problem.sparse, Problem.pyramid])
  func tiles(family: NetworkFamily) throws {
    let problem = try Problem(family: family, members: 2, epochs: 2)
    let members = try members(problem)
    let region = LearningRegion(
      region: Region(image: 0, z: 0..<1, height: 64, width: 72), channels: 1,
      content: TargetContent(labels: .pixels, channels: 0, hasWeights: false))
    var random = TestRandom(3)
    for index in 0..<region.images.count { region.images.pointer[index] = random.uniform() }
    let extents = region.region.extents
    let demands = try #require(try Tiling.demands(members.map(\.graph)))
    let grid = try #require(demands.seamless(extents, tile: Extents(y: 16, x: 24)))
    try #require(grid.count > 4)
    let whole = try predict(members, region, TileGrid(region: extents, tile: extents))
    #expect(try predict(members, region, grid) == whole)
    // Without a margin the answer is another one: the test above can fail.
    let bare = try predict(members, region, TileGrid(region: extents, tile: Extents(y: 16, x: 24)))
    #expect(zip(bare.mean, whole.mean).contains { abs($0 - $1) > 1e-4 })
  }

  @Test("neither threads nor ranks change a bit")
  func threadsAndRanks() throws {
    let problem = try Problem()
    let members = try members(problem)
    let region = problem.data.regions[1]
    let grid = TileGrid(
      region: region.region.extents, tile: Extents(y: 6, x: 8), margin: Extents(y: 2, x: 2))
    try #require(grid.count >= 4)
    let first = try predict(members, region, grid)
    #expect(try predict(members, region, grid, threads: 2) == first)
    for ranks in [2, 3, grid.count + 1] {
      #expect(try predict(members, region, grid, ranks: ranks) == first)
    }
  }

  @Test("one channel answers with the probabilities of both classes", arguments: [false, true])
  func binary(isOfProbabilities: Bool) throws {
    var graph = NetworkGraph(dimensions: 2)
    let input = graph.add("input", .input(channels: 1))
    let logit = graph.add("same", .convolution(Convolution(channels: 1, kernel: 1)), input)
    if isOfProbabilities { graph.add("last.act", .activation(.sigmoid), logit) }
    var settings = try Problem(epochs: 1).settings
    (settings.task, settings.outputChannels) = (.binary, 1)
    settings.loss = LossSettings(
      BinaryCrossEntropy(input: isOfProbabilities ? .probabilities : .logits))
    #expect(settings.classes == 2 && settings.targetChannels == 0)
    let member = TrainedMember(
      index: 0, graph: graph, parameters: [2, -1], statistics: [], history: [], bag: Bag(drawn: [], outOfBag: []),
      settings: settings, scaling: .identity(channels: 1), classes: Problem.classes, fingerprint: 0)
    let region = try Problem(epochs: 1).data.regions[0]
    let whole = try predict(
      [member], region, TileGrid(region: region.region.extents, tile: region.region.extents))
    let images = Array(region.images.buffer)
    for (pixel, value) in images.enumerated() {
      let probability = 1 / (1 + exp(-(2 * Double(value) - 1)))
      #expect(abs(Double(whole.mean[images.count + pixel]) - probability) < 1e-5)
      #expect(abs(Double(whole.mean[pixel]) - (1 - probability)) < 1e-5)
    }
  }

  @Test("networks of two dimensions that see a volume in planes give the mean over planes of their slices' answers")
  func planes() throws {
    let slices = try members(try Problem(members: 2, epochs: 1))
    var members = slices
    for index in members.indices { members[index].settings.planes = [.xy, .yz, .xz] }
    let extents = Extents(z: 9, y: 12, x: 10)
    func region(_ plane: Plane) -> LearningRegion {
      let own = plane.view(extents)
      let region = LearningRegion(
        region: Region(image: 0, z: 0..<own.z, height: own.y, width: own.x), channels: 1,
        content: TargetContent(labels: .none, channels: 0, hasWeights: false))
      for z in 0..<own.z {
        for y in 0..<own.y {
          for x in 0..<own.x {
            let at = plane.volume(slice: z, row: y, column: x)
            var random = TestRandom(UInt64((at.z * 12 + at.y) * 10 + at.x))
            region.images.pointer[(z * own.y + y) * own.x + x] = random.uniform()
          }
        }
      }
      return region
    }
    let volume = region(.xy)
    let whole = try predict(members, volume, TileGrid(region: extents, tile: extents))
    // By hand: every slice of every plane by itself.
    var expected = [Float](repeating: 0, count: 2 * extents.count)
    for plane in Plane.allCases {
      let own = plane.view(extents)
      let turned = region(plane)
      for slice in 0..<own.z {
        let grid = TileGrid(region: Extents(y: own.y, x: own.x), tile: Extents(y: own.y, x: own.x))
        let predictor = try EnsemblePredictor(slices, team: try ThreadTeam(size: 1))
        try predictor.predict(grid: grid, tiles: 0..<1) { _, pixels in
          let from = turned.images.pointer + slice * own.y * own.x
          _ = pixels.update(from: UnsafeBufferPointer(start: from, count: own.y * own.x))
        } eachTile: { answer in
          for (place, value) in answer.mean.enumerated() {
            let (channel, pixel) = place.quotientAndRemainder(dividingBy: own.y * own.x)
            let at = plane.volume(slice: slice, row: pixel / own.x, column: pixel % own.x)
            expected[channel * extents.count + (at.z * extents.y + at.y) * extents.x + at.x] += value / 3
          }
        }
      }
    }
    expectClose(whole.mean, expected, relative: 1e-5, "mean over planes")
    // Tiles with the margins that the networks need, on any number of ranks and threads.
    let demands = try #require(
      try Tiling.demands(members.map(\.graph), planes: members[0].settings.planes))
    let grid = try #require(demands.seamless(extents, tile: Extents(z: 4, y: 6, x: 5)))
    let tiled = try predict(members, volume, grid)
    #expect(tiled == whole)
    #expect(try predict(members, volume, grid, threads: 2, ranks: 3) == tiled)
    let bytes = try [[], Plane.allCases].map { planes in
      var settings = members[0].settings
      settings.planes = planes
      return try EnsemblePredictor.bytes(
        [members[0].graph], settings: settings, grid: TileGrid(region: extents, tile: extents), threads: 1)
    }
    #expect(bytes[1] > bytes[0])
  }

  @Test("a single member has no spread")
  func single() throws {
    let problem = try Problem(members: 1, epochs: 1)
    let region = problem.data.regions[0]
    let whole = try predict(
      try members(problem), region, TileGrid(region: region.region.extents, tile: region.region.extents))
    #expect(whole.deviation.allSatisfy { $0 == 0 })
    #expect(whole.mean == whole.members[0])
  }

  @Test("no members, or members of different jobs, are refused")
  func refused() throws {
    let team = try ThreadTeam(size: 1)
    #expect(throws: EnsembleError.noMembers) { try EnsemblePredictor([], team: team) }
    let member = try Problem(epochs: 1).trainer().train(0)
    var other = member
    other.index = 1
    other.classes = ["a", "b"]
    #expect(throws: EnsembleError.mixed(0, 1)) { try EnsemblePredictor([member, other], team: team) }
  }

  @Test("a prediction needs more memory for larger tiles, for more networks and for averaged logits")
  func bytes() throws {
    let settings = try Problem().settings
    let graphs = try (0..<3).map { try settings.member($0).graph }
    func bytes(
      _ graphs: [NetworkGraph], _ side: Int, _ average: MemberCombination.Average = .probabilities
    ) throws -> Int {
      let extents = Extents(y: side, x: side)
      return try EnsemblePredictor.bytes(
        graphs, settings: settings, grid: TileGrid(region: extents, tile: extents), threads: 1, average: average)
    }
    // Of each class and pixel a sum of 64 bits.
    #expect(try bytes(graphs, 32, .logits) == bytes(graphs, 32) + 8 * settings.answer.channels * 32 * 32)
    let small = try bytes(graphs, 32)
    #expect(small > 4 * 2 * 32 * 32 * 3)
    #expect(try bytes(graphs, 64) > 2 * small)
    #expect(try bytes([graphs[0], graphs[0]], 32) < small)
  }

  @Test("a file is read tile by tile as its region is read whole, and values that are not finite are refused")
  func readers() throws {
    try TemporaryFolder.with { folder in
      let path = folder + "/volume.h5"
      var random = TestRandom(8)
      var values = random.uniforms(2 * 6 * 5 * 7)
      values[(6 + 4) * 35 + 9] = .nan
      let file = try File(creating: path)
      try file.write(values, shape: [2, 6, 5, 7], to: "images")
      try file.close()
      let source = try ImageSource(ArrayLocation(file: path, dataset: "/images"), layout: .volume)
      let region = Region(image: 0, z: 1..<5, height: 5, width: 7)
      let scaling = IntensityScaling(mean: [0.25, -1], standardDeviation: [2, 0.5])
      let whole = LearningRegion(
        region: region, channels: 2, content: TargetContent(labels: .pixels, channels: 0, hasWeights: false))
      try source.read(region.box, ofImage: 0, into: whole.images.buffer)
      scaling.apply(to: whole.images.buffer)
      func pixels(_ read: EnsemblePredictor.Reader, _ box: Box) throws -> [Float] {
        var pixels = [Float](repeating: -9, count: 2 * box.count)
        try pixels.withUnsafeMutableBufferPointer { try read(box, $0) }
        return pixels
      }
      let inMemory = EnsemblePredictor.reader(of: whole)
      let fromFile = EnsemblePredictor.reader(of: source, region: region, scaling: scaling)
      let box = Box(z: 1..<3, y: 2..<5, x: 1..<6)
      let expected = [0, 1].flatMap { channel in
        box.z.flatMap { z in
          box.y.flatMap { y in
            box.x.map { x in whole.images.pointer[((channel * 4 + z) * 5 + y) * 7 + x] }
          }
        }
      }
      #expect(try pixels(inMemory, box) == expected)
      #expect(try pixels(fromFile, box) == expected)
      // The voxel that is no number lies in slice 4 of the file, 3 of the region.
      let last = Box(z: 3..<4, y: 0..<5, x: 0..<7)
      #expect {
        try pixels(fromFile, last)
      } throws: { error in
        "\(error)".hasPrefix("\(path):/images: image 0 holds values that are not finite within")
      }
    }
  }

  @Test("a network that sees the whole image gets one tile")
  func oneTile() throws {
    var graph = NetworkGraph(dimensions: 2)
    graph.add("image", .input(channels: 1))
    graph.add("all", .linear(features: 2, bias: true), 0)
    let settings = try Problem().settings
    let sparse = try settings.member(0).graph
    func tiles(_ graph: NetworkGraph, tile: Extents?) throws -> Int {
      try Tiling([graph], settings: settings, isVolume: false, tile: tile).grid(of: Extents(y: 40, x: 50)).count
    }
    #expect(try tiles(graph, tile: Extents(y: 8, x: 8)) == 1)
    #expect(try tiles(sparse, tile: nil) == 1)
    #expect(try tiles(sparse, tile: Extents(y: 8, x: 8)) > 1)
  }
}
