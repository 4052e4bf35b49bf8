import Host
import TestSupport
import Testing

@testable import Training

@Suite struct GradientClippingTests {
  @Test func `a norm is that of all blocks, the same for any number of threads`() throws {
    var random = TestRandom(8)
    let count = 3 * ParameterBlocks.size + 77
    let gradients = (0..<count).map { _ in random.uniform() - 0.5 }
    let ranges = [0..<ParameterBlocks.size + 5, ParameterBlocks.size + 5..<count]
    let clipping = GradientClipping(ClippingSettings(norm: 1), ranges: ranges)
    let norms = try (1...3).map { clipping.norm(gradients, team: try ThreadTeam(size: $0)) }
    let expected = gradients.reduce(0) { $0 + Double($1) * Double($1) }.squareRoot()
    #expect(abs(norms[0] - expected) < 1e-9 * expected)
    #expect(Set(norms).count == 1)
  }

  @Test func `gradients below the limits are left alone, frozen ones do not count`() throws {
    let team = try ThreadTeam(size: 1)
    var gradients: [Float] = [3, 100, 4]
    let ranges = [0..<1, 2..<3]
    #expect(GradientClipping(ClippingSettings(norm: 5.5), ranges: ranges).clip(&gradients, team: team) == 5)
    #expect(gradients == [3, 100, 4])
    GradientClipping(ClippingSettings(norm: 2.5), ranges: ranges).clip(&gradients, team: team)
    #expect(abs(gradients[0] - 1.5) < 1e-6 && gradients[1] == 100 && abs(gradients[2] - 2) < 1e-6)
    GradientClipping(ClippingSettings(value: 1.75), ranges: ranges).clip(&gradients, team: team)
    #expect(abs(gradients[0] - 1.5) < 1e-6 && gradients[1] == 100 && gradients[2] == 1.75)
  }
}
