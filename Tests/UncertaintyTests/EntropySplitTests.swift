import Foundation
import TestSupport
import Testing

@testable import Uncertainty

@Suite("Entropy split")
struct EntropySplitTests {
  private func split(_ members: [[Float]], classes: Int) -> (total: [Float], aleatoric: [Float], epistemic: [Float]) {
    let pixels = members[0].count / classes
    let entropy = EntropySplit(classes: classes, pixels: pixels)
    let mean = RunningStatistics(count: members[0].count)
    for member in members {
      mean.add(member)
      member.withUnsafeBufferPointer { if let first = $0.baseAddress { entropy.add(first) } }
    }
    var (total, aleatoric, epistemic) = (
      [Float](repeating: -1, count: pixels), [Float](repeating: -1, count: pixels),
      [Float](repeating: -1, count: pixels)
    )
    entropy.write(mean: mean.mean.pointer, total: &total, aleatoric: &aleatoric, epistemic: &epistemic)
    return (total, aleatoric, epistemic)
  }

  @Test("members that are sure but disagree have epistemic entropy only")
  func disagreement() {
    let found = split([[1, 0], [0, 1]], classes: 2)
    expectClose(found.total, [0.6931472], relative: 1e-6)
    #expect(found.aleatoric == [0])
    #expect(found.epistemic == found.total)
  }

  @Test("members that agree to be unsure have aleatoric entropy only")
  func agreement() {
    let found = split(Array(repeating: [0.25, 0.5, 0.75, 0.5], count: 3), classes: 2)
    expectClose(found.aleatoric, [0.5623351, 0.6931472], relative: 1e-6)
    #expect(found.epistemic.allSatisfy { $0 >= 0 && $0 < 1e-6 })
  }

  @Test("the entropy of every pixel equals its definition, and NaN stays at its pixel")
  func definition() {
    var random = TestRandom(5)
    let (classes, pixels) = (4, 53)
    var p = random.uniforms(classes * pixels).map { max($0, 0) }
    p[2 * pixels + 20] = .nan
    let found = split([p, p], classes: classes)
    for i in 0..<pixels where i != 20 {
      let expected = (0..<classes).map { Double(p[$0 * pixels + i]) }.reduce(0) { $1 > 0 ? $0 - $1 * log($1) : $0 }
      #expect(abs(Double(found.total[i]) - expected) < 1e-6)
    }
    #expect(found.total[20].isNaN && found.epistemic[20].isNaN)
  }
}

@Suite("Golden: entropy split")
struct EntropySplitGoldenTests {
  @Test("total, aleatoric and epistemic entropy of an ensemble")
  func entropies() throws {
    let group = try Golden("uncertainty.h5").group("bagging")
    let members = try group.array("members")
    let (count, images, classes) = (members.shape[0], members.shape[1], members.shape[2])
    let size = members.values.count / count
    let pixels = size / images / classes
    let statistics = RunningStatistics(count: size)
    for m in 0..<count { statistics.add(Array(members.values[(m * size)..<((m + 1) * size)])) }

    var total = [Float](repeating: .nan, count: images * pixels)
    var aleatoric = total
    var epistemic = total
    let split = EntropySplit(classes: classes, pixels: pixels)
    for image in 0..<images {
      split.reset()
      for m in 0..<count {
        members.values.withUnsafeBufferPointer {
          guard let first = $0.baseAddress else { return }
          split.add(first + m * size + image * classes * pixels)
        }
      }
      total.withUnsafeMutableBufferPointer { total in
        aleatoric.withUnsafeMutableBufferPointer { aleatoric in
          epistemic.withUnsafeMutableBufferPointer { epistemic in
            guard let t = total.baseAddress, let a = aleatoric.baseAddress, let e = epistemic.baseAddress else {
              return
            }
            let first = image * pixels
            split.write(
              mean: statistics.mean.pointer + image * classes * pixels, total: t + first, aleatoric: a + first,
              epistemic: e + first)
          }
        }
      }
    }
    expectClose(total, try group.array("entropy_total").values, relative: 1e-6, "entropy_total")
    expectClose(aleatoric, try group.array("entropy_aleatoric").values, relative: 1e-6, "entropy_aleatoric")
    expectClose(
      epistemic, try group.array("entropy_epistemic").values, relative: 0, absolute: 1e-6, "entropy_epistemic")
  }
}
