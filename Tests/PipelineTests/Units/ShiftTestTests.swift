import HDF5
import TestSupport
import Testing

@testable import Pipeline

@Suite struct ShiftTestTests {
  private func images(_ count: Int, doubt: Double = 0.1, mean: Double = 0, deviation: Double = 1, seed: UInt64)
    -> [ImageFeatures]
  {
    var random = TestRandom(seed)
    func near(_ value: Double) -> Double { value + 0.05 * Double(random.uniform()) }
    return (0..<count).map { _ in
      ImageFeatures(doubt: near(doubt), mean: near(mean), deviation: near(deviation))
    }
  }

  @Test func `images like those of calibration raise no alarm, doubtful or brighter ones do`() {
    let reference = ShiftReference(images(25, seed: 1), groups: nil, plural: "images")
    let alike = ShiftTest(images(20, seed: 2), reference)
    #expect(!alike.isAlarm && alike.lines[0].hasPrefix("The images are like the 25 images of calibration"))
    let doubtful = ShiftTest(images(20, doubt: 0.3, seed: 3), reference)
    #expect(doubtful.isAlarm && doubtful.lines[0].hasPrefix("SHIFT: ") && doubtful.lines.count == 3)
    let bright = ShiftTest(images(20, mean: 3, seed: 4), reference)
    #expect(
      bright.isAlarm && bright.lines.last?.hasPrefix("FAR FROM TRAINING in brightness or contrast: 20 of 20") == true)
    #expect(bright.ofImages[1].allSatisfy { $0 == 2.0 / 26 })
  }

  @Test func `of a group one image counts, and few images are told to tell little`() {
    let all = images(12, seed: 1)
    let reference = ShiftReference(all, groups: [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3], plural: "groups")
    #expect(reference.images == [0, 3, 6, 9].map { all[$0] })
    // A hundred images of one far source are one image.
    let test = ShiftTest(images(100, doubt: 0.9, seed: 2), groups: Array(repeating: 7, count: 100), reference)
    #expect(!test.isAlarm && test.pValue > 0.3 && test.lines[0].contains("cannot be told well: there are 4"))
  }
}
