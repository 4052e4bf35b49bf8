import Engine
import Ensembles
import Host
import Imaging
import Networks
import TestSupport
import Testing

/// Predictions by tiles against those of whole images.
@Suite struct TilingTests {
  /// An ensemble, and an image that it predicts whole and in tiles.
  struct Case: CustomTestStringConvertible, Sendable {
    var name: String
    var family: @Sendable () -> any NetworkFamilySettings
    var extents: Extents
    var tile: Extents
    var planes: [Plane] = []

    var testDescription: String { "\(name) \(extents)" }
  }

  private static func unet(
    _ depth: Int, _ padding: PaddingMode = .zeros, normalization: NormalizationKind = .batch
  ) -> TUNet {
    var network = TUNet()
    (network.depth, network.baseChannels, network.growthRate) = (depth, 2, 1.5)
    (network.paddingMode, network.normalization) = (padding, normalization)
    return network
  }

  private static func unet3() -> TUNet3Plus {
    var network = TUNet3Plus()
    network.levels = unet(3)
    network.levels.activation = .silu
    return network
  }

  private static func dense(_ padding: PaddingMode) -> MSDNet {
    var network = MSDNet()
    (network.layers, network.paddingMode, network.maximumDilation) = (5, padding, 4)
    return network
  }

  private static func sparse(_ padding: PaddingMode) -> SMSNetFamily {
    var generator = SMSNetGenerator()
    (generator.nodes, generator.dilations) = (4, [1, 2, 4])
    return SMSNetFamily(generator, SMSNet(paddingMode: padding))
  }

  static let cases: [Case] = [
    Case(name: "U-Net of depth 4", family: { unet(4) }, extents: Extents(y: 241, x: 239), tile: Extents(y: 64, x: 100)),
    Case(
      name: "U-Net of depth 4", family: { unet(4) }, extents: Extents(z: 9, y: 11, x: 241),
      tile: Extents(z: 9, y: 11, x: 32)),
    Case(
      name: "U-Net, reflect", family: { unet(2, .reflect) }, extents: Extents(z: 13, y: 17, x: 51),
      tile: Extents(z: 13, y: 17, x: 8)),
    Case(
      name: "U-Net, circular", family: { unet(2, .circular) }, extents: Extents(y: 48, x: 36),
      tile: Extents(y: 12, x: 36)),
    Case(name: "TUNet3+", family: { unet3() }, extents: Extents(y: 101, x: 83), tile: Extents(y: 24, x: 40)),
    Case(name: "TUNet3+", family: { unet3() }, extents: Extents(z: 5, y: 6, x: 97), tile: Extents(z: 5, y: 6, x: 16)),
    Case(
      name: "MSDNet, reflect", family: { dense(.reflect) }, extents: Extents(y: 53, x: 47), tile: Extents(y: 13, x: 17)),
    Case(
      name: "MSDNet, replicate", family: { dense(.replicate) }, extents: Extents(z: 5, y: 41, x: 7),
      tile: Extents(z: 5, y: 9, x: 7)),
    Case(
      name: "MSDNet, circular", family: { dense(.circular) }, extents: Extents(y: 61, x: 37),
      tile: Extents(y: 11, x: 37)),
    Case(name: "SMSNet", family: { sparse(.reflect) }, extents: Extents(y: 59, x: 43), tile: Extents(y: 16, x: 10)),
    Case(
      name: "SMSNet", family: { sparse(.zeros) }, extents: Extents(z: 11, y: 37, x: 13),
      tile: Extents(z: 11, y: 8, x: 13)),
    Case(
      name: "U-Net in planes", family: { unet(2) }, extents: Extents(z: 45, y: 13, x: 19),
      tile: Extents(z: 6, y: 13, x: 19),
      planes: [.xy, .xz]),
  ]

  private func members(_ item: Case, _ count: Int = 2) throws -> [TrainedMember] {
    let dimensions = item.extents.z > 1 && item.planes.isEmpty ? 3 : 2
    let settings = EnsembleSettings(
      seed: 4, members: count, family: NetworkFamily(item.family()), inputChannels: 1, outputChannels: 2,
      planes: item.planes, patch: Array(repeating: 16, count: dimensions), epochs: 1, batch: 1, shards: 1,
      recipe: .adam(rate: 0.1))
    return try (0..<count).map { index in
      let graph = try settings.member(index).graph
      let layout = try graph.layout(extents: settings.patch)
      var random = TestRandom(UInt64(index + 1))
      return TrainedMember(
        index: index, graph: graph, parameters: random.uniforms(layout.parameterCount).map { 0.6 * $0 },
        statistics: layout.initialStatistics(), history: [], bag: Bag(drawn: [], outOfBag: []), settings: settings,
        scaling: .identity(channels: 1), classes: ["a", "b"], fingerprint: 0)
    }
  }

  /// Mean and deviation of all tiles, `[class, z, y, x]`.
  ///
  /// - Parameters:
  ///   - averages: over flips.
  ///   - flip: of the image.
  private func predict(
    _ members: [TrainedMember], _ grid: TileGrid, averages: Bool = false, of flip: Flip = Flip()
  ) throws -> (mean: [Float], deviation: [Float]) {
    let extents = grid.region
    let zeros = [Float](repeating: -1, count: 2 * extents.count)
    var result = (mean: zeros, deviation: zeros)
    let predictor = try EnsemblePredictor(members, team: try ThreadTeam(size: 1))
    predictor.averagesFlips = averages
    func place(_ values: UnsafeBufferPointer<Float>, _ core: Box, in target: inout [Float]) {
      var next = 0
      for channel in 0..<2 {
        for z in core.z {
          for y in core.y {
            let row = ((channel * extents.z + z) * extents.y + y) * extents.x
            for x in core.x {
              target[row + x] = values[next]
              next += 1
            }
          }
        }
      }
    }
    try predictor.predict(
      grid: grid, tiles: 0..<grid.count,
      reading: { box, pixels in
        var next = 0
        for z in box.z {
          for y in box.y {
            for x in box.x {
              // A hash of the place.
              let place = flip.box(Box(z: z..<z + 1, y: y..<y + 1, x: x..<x + 1), in: extents)
              let index = (place.z.lowerBound * extents.y + place.y.lowerBound) * extents.x + place.x.lowerBound
              let key = UInt32(truncatingIfNeeded: index) &* 2_654_435_761
              pixels[next] = Float(key >> 8) / 8_388_608 - 1
              next += 1
            }
          }
        }
      },
      eachTile: { answer in
        place(answer.mean, answer.tile.core, in: &result.mean)
        place(answer.deviation, answer.tile.core, in: &result.deviation)
      })
    return result
  }

  @Test("an image predicted in tiles has the bits of the image predicted whole", arguments: cases)
  func seamless(_ item: Case) throws {
    let members = try members(item)
    let demands = try #require(try Tiling.demands(members.map(\.graph), planes: item.planes))
    let grid = try #require(demands.seamless(item.extents, tile: item.tile))
    try #require(grid.count > 1)
    let whole = try predict(members, TileGrid(region: item.extents, tile: item.extents))
    let tiled = try predict(members, grid)
    #expect(tiled.mean == whole.mean && tiled.deviation == whole.deviation)
    #expect(Set(whole.mean).count > 100)
    // Without a margin the answer is another one: the test above can fail.
    let bare = try predict(
      members, TileGrid(region: item.extents, tile: item.tile, multiple: demands.multiple))
    #expect(bare.mean != whole.mean)
  }

  /// `[class, z, y, x]` as of the flipped image.
  private func flipped(_ values: [Float], _ extents: Extents, _ flip: Flip) -> [Float] {
    (0..<values.count).map { index in
      let (channel, place) = (index / extents.count, index % extents.count)
      let (z, y, x) = (place / (extents.y * extents.x), place / extents.x % extents.y, place % extents.x)
      let from = flip.box(Box(z: z..<z + 1, y: y..<y + 1, x: x..<x + 1), in: extents)
      return values[
        channel * extents.count + (from.z.lowerBound * extents.y + from.y.lowerBound) * extents.x + from.x.lowerBound]
    }
  }

  @Test("the mean over flips has the bits of the whole image's in tiles, and is the mean of flipped predictions")
  func flips() throws {
    let some: Set = ["U-Net, reflect", "U-Net, circular", "SMSNet", "U-Net in planes"]
    for item in Self.cases where some.contains(item.name) {
      let members = try members(item, 1)
      let demands = try #require(try Tiling.demands(members.map(\.graph), planes: item.planes))
      let grid = try #require(demands.seamless(item.extents, tile: item.tile))
      let image = TileGrid(region: item.extents, tile: item.extents)
      let whole = try predict(members, image, averages: true).mean
      #expect(try predict(members, grid, averages: true).mean == whole, "\(item.name)")
      // Networks that see slices see flips of their planes, which together are all flips of the volume.
      let all = Flip.all(hasDepth: item.extents.z > 1)
      var sum = [Float](repeating: 0, count: whole.count)
      for flip in all {
        let own = flipped(try predict(members, image, of: flip).mean, item.extents, flip)
        for index in sum.indices { sum[index] += own[index] }
      }
      let most = zip(sum, whole).reduce(Float(0)) { max($0, abs($1.0 / Float(all.count) - $1.1)) }
      #expect(most < 1e-5, "\(item.name): \(most)")
      #expect(try predict(members, image).mean != whole)
    }
  }

  private func tiling(
    _ family: any NetworkFamilySettings, patch: [Int], tile: Extents? = nil, margin: Extents? = nil
  ) throws -> Tiling {
    let settings = EnsembleSettings(
      seed: 4, members: 1, family: NetworkFamily(family), inputChannels: 1, outputChannels: 2, patch: patch, epochs: 1,
      batch: 1, shards: 1, recipe: .adam(rate: 0.1))
    return try Tiling(
      [try settings.member(0).graph], settings: settings, isVolume: patch.count == 3, tile: tile, margin: margin)
  }

  @Test("tiles grow until their margins are worth it, and windows are blended where they never are")
  func choice() throws {
    let volume = Extents(z: 300, y: 300, x: 300)
    let sparse = try tiling(Self.sparse(.reflect), patch: [16, 16, 16])
    let grid = sparse.grid(of: volume)
    #expect(grid.core.x > 16 && grid.core.x % 16 == 0 && grid.recomputation <= 4)
    #expect(sparse.identity(of: grid) == "seamless")
    // A large network: 192³ voxels of many channels are too many.
    var large = Self.unet(4)
    large.baseChannels = 32
    let blended = try tiling(large, patch: [32, 32, 32]).grid(of: volume)
    #expect(blended.windows?.extents == Extents(z: 36, y: 36, x: 36) && blended.core.x % 16 == 0)
    // The cores of blended windows grow where enough tiles are left, so that less is computed twice.
    let tiles = try tiling(large, patch: [32, 32, 32])
    let (small, huge) = (
      tiles.grid(of: Extents(z: 200, y: 200, x: 200)), tiles.grid(of: Extents(z: 640, y: 640, x: 640))
    )
    #expect(small.core.x == 64 && huge.core.x == 128 && huge.count >= 32)
    // Images are predicted whole up to 2048 pixels, even where they are normalized by their own statistics.
    let instance = Self.unet(3, normalization: .instance)
    #expect(try tiling(instance, patch: [32, 32]).grid(of: Extents(y: 900, x: 2048)).count == 1)
    let cut = try tiling(instance, patch: [32, 32]).grid(of: Extents(y: 900, x: 2049))
    #expect(cut.windows?.extents == Extents(y: 32, x: 33))
    // Regions of one file have cores of one size, so that these are chunks.
    let grids = sparse.grids(of: [Extents(z: 9, y: 300, x: 300), volume])
    #expect(grids.map(\.core) == [Extents(z: 9, y: grid.core.y, x: grid.core.x), grid.core])
    // What a job says holds.
    let said = try tiling(
      Self.unet(3), patch: [32, 32], tile: Extents(y: 64, x: 64), margin: Extents(z: 0, y: 4, x: 4))
    let given = said.grid(of: Extents(y: 256, x: 256))
    #expect(given.input == Extents(y: 72, x: 72))
    #expect(said.description(of: given).hasSuffix("with seams") && said.identity(of: given) != "seamless")
  }

  @Test("images of a stack that nobody cuts are seen whole, and differ from tiles by rounding alone")
  func uncut() throws {
    var wide = Self.unet(3)
    wide.baseChannels = 16
    let extents = Extents(y: 61, x: 75)
    var differ = false
    for family in [wide, Self.sparse(.reflect)] as [any NetworkFamilySettings] {
      let whole = try tiling(family, patch: [16, 16]).grid(of: extents)
      #expect(whole.isUncut && whole.count == 1)
      // Whoever asks for tiles gets the same bits of all of them, of one as large as the image too.
      let cut = try tiling(family, patch: [16, 16], tile: extents).grid(of: extents)
      #expect(!cut.isUncut && cut.count == 1)
      let members = try members(Case(name: "", family: { family }, extents: extents, tile: extents))
      let (one, other) = (try predict(members, whole), try predict(members, cut))
      let most = zip(one.mean, other.mean).reduce(Float(0)) { max($0, abs($1.0 - $1.1)) }
      #expect(most < 1e-4)
      if most > 0 { differ = true }
    }
    #expect(differ)
    // Volumes are cut where they are large: all have the same bits.
    let volume = Extents(z: 16, y: 16, x: 16)
    #expect(!(try tiling(Self.unet(3), patch: [16, 16, 16]).grid(of: volume).isUncut))
  }

  @Test("blended answers do not depend on the tiles, are smooth, and are the window's where there is one")
  func blending() throws {
    let item = Case(
      name: "", family: { Self.unet(2, normalization: .instance) }, extents: Extents(y: 45, x: 38),
      tile: Extents(y: 1, x: 1))
    let members = try members(item)
    let windows = BlendedWindows(region: item.extents, window: Extents(y: 16, x: 16), multiple: Extents(y: 2, x: 2))
    let first = try predict(members, TileGrid(blending: windows, tile: Extents(y: 8, x: 16)))
    let second = try predict(members, TileGrid(blending: windows, tile: Extents(y: 24, x: 38)))
    #expect(first.mean == second.mean && first.deviation == second.deviation)
    for pixel in 0..<item.extents.count {
      #expect(abs(first.mean[pixel] + first.mean[item.extents.count + pixel] - 1) < 1e-5)
    }
    let whole = TileGrid(region: item.extents, tile: item.extents)
    let one = BlendedWindows(region: item.extents, window: item.extents)
    #expect(try predict(members, TileGrid(blending: one, tile: item.extents)) == predict(members, whole))
  }
}
