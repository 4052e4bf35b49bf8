import Foundation
import HDF5
import TestSupport
import Testing

@testable import Imaging

/// Data files that are damaged at random.
@Suite("Mutated data files")
struct MutatedInputTests {
  @Test("a damaged file is an error that names it, or is read to finite numbers (200 files; TUTTI_MUTATIONS: so many)")
  func hdf5() throws {
    let scratch = try Scratch()
    try scratch.write {
      try $0.write(
        (0..<12 * 64).map { Float($0 * 37 % 101) }, shape: [12, 8, 8], to: "/images",
        layout: .chunked([2, 8, 8], checksum: true))
      try $0.write((0..<12 * 64).map { UInt8($0 % 3) }, shape: [12, 8, 8], to: "/labels")
      try $0.write((0..<12).map { UInt8($0 / 4) }, to: "/split")
    }
    let url = URL(fileURLWithPath: scratch.folder + "/a.h5")
    let whole = [UInt8](try Data(contentsOf: url))
    var random = TestRandom(11)
    var refused = 0
    let count = Mutations.count(200)
    for number in 0..<count {
      try Data(Mutations.of(whole, &random)).write(to: url)
      do {
        let data = try LearningData(
          images: scratch.location("a.h5:/images"),
          target: .pixelClasses(scratch.location("a.h5:/labels"), classes: 3, ignore: nil), layout: .stack,
          split: .dataset(scratch.location("a.h5:/split"), train: 0, validate: nil, calibrate: 1, test: 2))
        let scaling = try data.inspect().scaling
        let isFinite = (scaling.mean + scaling.standardDeviation).allSatisfy { $0.isFinite }
        #expect(isFinite, "file \(number)")
      } catch {
        refused += 1
        #expect("\(error)".contains("a.h5"), "file \(number): \(error)")
      }
    }
    #expect(refused > count / 4 && refused < count)
  }
}
