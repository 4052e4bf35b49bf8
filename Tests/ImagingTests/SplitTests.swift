import HDF5
import Host
import Testing

@testable import Imaging

@Suite("Split")
struct SplitTests {
  private func parts(
    _ count: Int, _ layout: ImageLayout, _ train: Double, _ calibrate: Double, _ test: Double, validate: Double = 0,
    seed: UInt64 = 1, strata: [Int]? = nil
  ) throws -> [Part?] {
    let fractions = SplitFractions(train: train, validate: validate, calibrate: calibrate, test: test)
    return try Split.parts(count: count, layout: layout, fractions, seed: seed, strata: strata)
  }

  @Test("fractions of images are disjoint and complete, of the size asked for", arguments: [10, 37, 100])
  func fractions(count: Int) throws {
    for layout in [ImageLayout.stack, .volume] {
      for seed: UInt64 in 0..<10 {
        let parts = try parts(count, layout, 0.7, 0.2, 0.1, seed: seed)
        #expect(parts.count == count)
        #expect(!parts.contains(nil))
        for (part, fraction) in [(Part.train, 0.7), (.calibrate, 0.2), (.test, 0.1)] {
          let number = Double(parts.count { $0 == part })
          #expect(abs(number - fraction * Double(count)) <= 1)
        }
      }
      let half = try parts(count, layout, 0.2, 0.2, 0.1)
      #expect(abs(half.count { $0 == nil } - count / 2) <= 1)
    }
  }

  @Test("a seed gives one split, and another seed another")
  func seeds() throws {
    let first = try parts(50, .stack, 0.6, 0.2, 0.2, seed: 1)
    #expect(try parts(50, .stack, 0.6, 0.2, 0.2, seed: 1) == first)
    #expect(try parts(50, .stack, 0.6, 0.2, 0.2, seed: 2) != first)
    let orders = try Set((0..<50).map { try parts(30, .volume, 0.5, 0.3, 0.2, seed: $0) })
    #expect(orders.count == 6)
  }

  @Test("each part of a volume's fractions is one run of slices")
  func runs() throws {
    for seed: UInt64 in 0..<10 {
      let parts = try parts(41, .volume, 0.5, 0.3, 0.1, seed: seed)
      let split = Split(parts: parts, layout: .volume) { _ in Extents(z: parts.count, y: 4, x: 5) }
      for part in Part.allCases where part != .validate { #expect(split[part].count == 1) }
    }
  }

  @Test("what validates of a volume lies beside what trains, and takes nothing from the other draws")
  func validation() throws {
    for seed: UInt64 in 0..<10 {
      let parts = try parts(40, .volume, 0.4, 0.2, 0.2, validate: 0.2, seed: seed)
      let split = Split(parts: parts, layout: .volume) { _ in Extents(z: parts.count, y: 4, x: 5) }
      #expect(split.validate.count == 1)
      #expect(split.validate[0].z.count == 8)
      #expect(split.validate[0].z.lowerBound == split.train[0].z.upperBound)
      let without = try self.parts(40, .stack, 0.5, 0.3, 0.1, seed: seed)
      #expect(!without.contains(.validate))
    }
  }

  @Test("a stratified split divides each class by itself")
  func stratified() throws {
    let strata = (0..<100).map { $0 % 10 == 0 ? 1 : 0 }
    for seed: UInt64 in 0..<10 {
      let parts = try parts(100, .stack, 0.5, 0.3, 0.2, seed: seed, strata: strata)
      for (part, count) in [(Part.train, 5), (.calibrate, 3), (.test, 2)] {
        #expect(parts.indices.count { parts[$0] == part && strata[$0] == 1 } == count)
        #expect(parts.indices.count { parts[$0] == part && strata[$0] == 0 } == 9 * count)
      }
    }
  }

  @Test("pixels are each of one part, in the proportions asked for, block by block", arguments: [1, 4])
  func pixels(block: Int) {
    let fractions = SplitFractions(train: 0.4, validate: 0.1, calibrate: 0.2, test: 0.2)
    let split = PixelSplit(fractions, seed: 3, block: block)
    let extents = Extents(z: 4, y: 64, x: 64)
    var counts = [Int](repeating: 0, count: extents.count)
    for part in Part.allCases {
      var outside = Set<Int>()
      split.forEach(outside: part, Box(extents), image: 1, extents: extents) { outside.insert($0) }
      for i in counts.indices where !outside.contains(i) { counts[i] += 1 }
      let share = 1 - Double(outside.count) / Double(extents.count)
      #expect(abs(share - fractions[part]) < (block == 1 ? 0.02 : 0.08))
      // A part of the box tells the same, and a block is of one part.
      let box = Box(z: 1..<3, y: 8..<24, x: 12..<52)
      var index = 0
      var within = Set<Int>()
      split.forEach(outside: part, box, image: 1, extents: extents) { within.insert($0) }
      for z in box.z {
        for y in box.y {
          for x in box.x {
            let voxel = (z * 64 + y) * 64 + x
            #expect(within.contains(index) == outside.contains(voxel))
            let corner = ((z / block * block) * 64 + y / block * block) * 64 + x / block * block
            #expect(outside.contains(corner) == outside.contains(voxel))
            index += 1
          }
        }
      }
    }
    #expect(counts.allSatisfy { $0 <= 1 })
    let left = Double(counts.count { $0 == 0 }) / Double(extents.count)
    #expect(abs(left - 0.1) < (block == 1 ? 0.02 : 0.08))
  }

  @Test("impossible fractions are refused")
  func impossible() {
    #expect(throws: ImagingError.fractions(SplitFractions(train: 0.7, calibrate: 0.3, test: 0.1))) {
      try parts(10, .stack, 0.7, 0.3, 0.1)
    }
    #expect(throws: ImagingError.self) { try parts(10, .stack, 0, 0.5, 0.5) }
    #expect(throws: ImagingError.self) { try parts(10, .stack, 0.5, 0.5, -0.1) }
    #expect(
      ImagingError.fractions(SplitFractions(train: 0.7, calibrate: 0.3, test: 0.1)).description == """
        the split's fractions are train 0.7, calibrate 0.3, test 0.1; train and calibrate must be above 0, \
        the others not below, and their sum at most 1.
        """)
  }

  @Test("slices of one part that touch are one region; images are one each")
  func regions() {
    let parts: [Part?] = [.train, .train, nil, .train, .test, .calibrate, .calibrate]
    let volume = Split(parts: parts, layout: .volume) { _ in Extents(z: parts.count, y: 4, x: 5) }
    #expect(volume.train.map(\.z) == [0..<2, 3..<4])
    #expect(volume.calibrate.map(\.z) == [5..<7])
    #expect(volume.test.map(\.extents) == [Extents(z: 1, y: 4, x: 5)])
    let stack = Split(parts: parts, layout: .stack) { _ in Extents(y: 4, x: 5) }
    #expect(stack.train.map(\.image) == [0, 1, 3])
    #expect(stack.train.allSatisfy { $0.z == 0..<1 && $0.height == 4 && $0.width == 5 })
  }

  @Test("a split from a dataset, and what is said when it does not fit")
  func dataset() throws {
    let scratch = try Scratch()
    try scratch.write {
      try $0.write([Float](repeating: 0, count: 5 * 3 * 3), shape: [5, 3, 3], to: "/images")
      try $0.write([UInt8]([0, 1, 255, 2, 0]), to: "/split")
      try $0.write([UInt8]([0, 1, 0, 0, 0]), to: "/none")
      try $0.write(["train", "calib", "left out", "3", "train"], to: "/words")
      try $0.write([UInt8]([0, 1, 2]), to: "/short")
    }
    let images = try ImageSource(scratch.location("a.h5:/images"), layout: .stack)
    func split(_ name: String, train: PartMark = 0) throws -> Split {
      try Split(
        .dataset(scratch.location("a.h5:/\(name)"), train: train, validate: nil, calibrate: 1, test: 2), of: images)
    }
    func marks(_ name: String, _ train: PartMark, _ calibrate: PartMark, _ test: PartMark) -> SplitRule {
      .dataset(scratch.location("a.h5:/\(name)"), train: train, validate: nil, calibrate: calibrate, test: test)
    }
    let words = try Split(marks("words", "train", "calib", "3"), of: images)
    #expect(
      words.train.map(\.image) == [0, 4] && words.calibrate.map(\.image) == [1] && words.test.map(\.image) == [3])
    #expect(
      message { _ = try Split(marks("split", "train", 1, 2), of: images) }
        == "a.h5:/split holds numbers, and data.split names a part ‘train’; write the number that stands for it.")
    #expect(try split("split").train.map(\.image) == [0, 4])
    #expect(try split("split").calibrate.map(\.image) == [1])
    #expect(try split("split").test.map(\.image) == [3])
    #expect(
      message { _ = try split("short") }
        == "a.h5:/short has shape [3] but there are 5 images; it needs one number for each.")
    #expect(
      message { _ = try split("none") }
        == "a.h5:/none leaves no images for the part ‘test’; every part needs one at least.")
    #expect(
      message { _ = try split("split", train: 7) }
        == "a.h5:/split leaves no images for the part ‘train’; every part needs one at least.")
    #expect(
      message {
        _ = try Split(
          .fractions(SplitFractions(train: 0.9, calibrate: 0.05, test: 0.05), seed: 1, stratified: false), of: images)
      }.hasPrefix(
        "a split of 5 images by train 0.9, calibrate 0.05, test 0.05 leaves no images for the part"))
    let withoutTest = try Split(
      .fractions(SplitFractions(train: 0.8, calibrate: 0.2, test: 0), seed: 1, stratified: false), of: images)
    #expect(withoutTest.test.isEmpty && withoutTest.train.count == 4)
  }

  @Test("a split by fractions draws whole groups, and slices of two groups are two regions")
  func groups() throws {
    var torn = 0
    for seed in 1...20 {
      let groups = (0..<40).map { [7, 3, 3, 9, 1, 1, 1, -2][$0 % 8] * ($0 / 20 == 0 ? 1 : 100) }
      for layout in [ImageLayout.stack, .volume] {
        let parts = try Split.parts(
          count: 40, layout: layout, SplitFractions(train: 0.5, calibrate: 0.3, test: 0.2), seed: UInt64(seed),
          groups: groups)
        for group in Set(groups) where Set(parts.indices.filter { groups[$0] == group }.map { parts[$0] }).count != 1 {
          torn += 1
        }
        let count = Part.allCases.map { part in Set(parts.indices.filter { parts[$0] == part }.map { groups[$0] }).count
        }
        #expect(count == [5, 0, 3, 2])
      }
    }
    #expect(torn == 0)
    let volume = Split(
      parts: [.train, .train, .train, .test, .test, .calibrate], layout: .volume, groups: [1, 1, 2, 3, 4, 4]
    ) { _ in Extents(z: 6, y: 4, x: 5) }
    #expect(volume.train.map(\.z) == [0..<2, 2..<3] && volume.test.map(\.z) == [3..<4, 4..<5])
  }

  @Test("a split that tears a group is refused by its name")
  func tornGroups() throws {
    let scratch = try Scratch()
    try scratch.write {
      try $0.write([Float](repeating: 0, count: 5 * 3 * 3), shape: [5, 3, 3], to: "/images")
      try $0.write([UInt8]([0, 1, 255, 2, 0]), to: "/split")
      try $0.write([11, 12, 11, 13, 11], to: "/whole")
      try $0.write([11, 12, 11, 11, 11], to: "/torn")
    }
    let images = try ImageSource(scratch.location("a.h5:/images"), layout: .stack)
    let rule = SplitRule.dataset(scratch.location("a.h5:/split"), train: 0, validate: nil, calibrate: 1, test: 2)
    func split(_ rule: SplitRule, _ name: String) throws -> Split {
      try Split(rule, of: images, groups: try ImageGroups(scratch.location("a.h5:/\(name)"), of: images))
    }
    #expect(try split(rule, "whole").train.map(\.image) == [0, 4])
    #expect(
      message { _ = try split(rule, "torn") }
        == "a.h5:/split tears group 11 of a.h5:/torn: image 0 is of the training part, image 3 of the test part. Give all "
        + "images of a group one number, or divide by fractions, which keep groups whole.")
    let pixels = SplitRule.pixels(SplitFractions(train: 0.6, calibrate: 0.2, test: 0.2), seed: 1, block: 1)
    #expect(
      message { _ = try split(pixels, "whole") }
        == "a.h5:/whole names groups, but a split by pixel has every image in every part; divide images (split: {by: "
        + "image}), or remove data.groups.")
  }
}
