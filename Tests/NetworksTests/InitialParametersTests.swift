import Networks
import Testing

@Suite struct InitialParametersTests {
  static func layout(_ names: [String], bias: Bool = true) throws -> ParameterLayout {
    var graph = NetworkGraph(dimensions: 2)
    var value = graph.add("input", .input(channels: 8))
    for name in names { value = graph.add(name, .convolution(.same(channels: 8, bias: bias)), value) }
    graph.add("norm", .batchNormalization(BatchNormalization()), value)
    return try graph.layout(extents: [8, 8])
  }

  @Test func `weights are uniform in ±1/√fan-in, normalizations start at 1 and 0`() throws {
    let layout = try Self.layout(["a"])
    let values = layout.initialParameters(seed: 1, member: 0)
    #expect(values.count == 8 * 8 * 9 + 8 + 16)
    let weight = try #require(layout.parameter("a.weight"))
    let bound = Float(1 / 72.0.squareRoot())
    let weights = values[weight.range]
    #expect(weights.allSatisfy { abs($0) <= bound })
    let mean = weights.reduce(0, +) / Float(weights.count)
    let square = weights.reduce(0) { $0 + $1 * $1 } / Float(weights.count)
    // Five standard deviations of the mean, and of the mean square, of 576 uniform numbers.
    #expect(abs(mean) < 5 * bound / (3 * Float(weights.count)).squareRoot())
    #expect(abs(square / (bound * bound) - 1.0 / 3) < 5 * (4.0 / 45 / Float(weights.count)).squareRoot())
    #expect(values[try #require(layout.parameter("norm.weight")).range].allSatisfy { $0 == 1 })
    #expect(values[try #require(layout.parameter("norm.bias")).range].allSatisfy { $0 == 0 })
    #expect(layout.initialStatistics() == Array(repeating: 0, count: 8) + Array(repeating: 1, count: 8))
  }

  @Test func `a parameter's values depend on seed, member and name alone`() throws {
    let short = try Self.layout(["a", "b"])
    let long = try Self.layout(["c", "b", "a"], bias: false)
    func values(_ layout: ParameterLayout, _ name: String, seed: UInt64 = 5, member: Int = 2) throws -> [Float] {
      Array(
        layout.initialParameters(seed: seed, member: member)[try #require(layout.parameter(name + ".weight")).range])
    }
    let a = try values(short, "a")
    #expect(try values(long, "a") == a)
    #expect(try values(short, "b") != a)
    #expect(try values(short, "a", seed: 6) != a)
    #expect(try values(short, "a", member: 3) != a)
  }
}
