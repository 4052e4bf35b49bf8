import Networks
import Testing

@Suite struct InitializationTests {
  private func values(_ initialization: Initialization, channels: Int = 24, inputs: Int = 8) throws -> [Float] {
    var graph = NetworkGraph(dimensions: 2)
    graph.initialization = initialization
    let input = graph.add("input", .input(channels: inputs))
    graph.add("conv", .convolution(.same(channels: channels)), input)
    let layout = try graph.layout(extents: [8, 8])
    let all = layout.initialParameters(seed: 3, member: 1)
    let bias = try #require(layout.parameter("conv.bias"))
    if initialization != .pytorch { #expect(all[bias.range].allSatisfy { $0 == 0 }) }
    return Array(all[try #require(layout.parameter("conv.weight")).range])
  }

  /// For a weight of 24 × 8 × 3 × 3, of fan-in 72 and fan-out 216: 1/(3·72), 2/72 and 2/288.
  static let variances: [(Initialization, Double)] = [
    (.pytorch, 0.004_629_63), (.kaimingUniform, 0.027_777_8), (.kaimingNormal, 0.027_777_8),
    (.xavierUniform, 0.006_944_44), (.xavierNormal, 0.006_944_44),
  ]

  @Test(arguments: variances)
  func `weights have the scheme's variance`(initialization: Initialization, variance: Double) throws {
    let weights = try values(initialization).map(Double.init)
    let mean = weights.reduce(0, +) / Double(weights.count)
    let square = weights.reduce(0) { $0 + $1 * $1 } / Double(weights.count)
    // Five standard deviations of 1728 numbers; the square of a normal number has twice its variance squared.
    #expect(abs(mean) < 5 * (variance / Double(weights.count)).squareRoot())
    #expect(abs(square / variance - 1) < 5 * (2 / Double(weights.count)).squareRoot())
  }

  @Test(arguments: [(24, 8), (80, 2)])
  func `orthogonal weights have orthonormal rows, or columns where those are fewer`(channels: Int, inputs: Int) throws {
    let weights = try values(.orthogonal, channels: channels, inputs: inputs).map(Double.init)
    let columns = inputs * 9
    let byRows = channels <= columns
    let count = min(channels, columns)
    func element(_ vector: Int, _ place: Int) -> Double {
      byRows ? weights[vector * columns + place] : weights[place * columns + vector]
    }
    for a in 0..<count {
      for b in 0...a {
        let product = (0..<max(channels, columns)).reduce(0) { $0 + element(a, $1) * element(b, $1) }
        #expect(abs(product - (a == b ? 1 : 0)) < 1e-6)
      }
    }
  }

  @Test func `frozen nodes keep their parameters out of the trainable ranges, and files keep both`() throws {
    var graph = NetworkGraph(dimensions: 1)
    graph.initialization = .orthogonal
    let input = graph.add("input", .input(channels: 1))
    let a = graph.add("a", .convolution(.same(channels: 2)), input)
    let b = graph.add("b", .convolution(.same(channels: 2)), a)
    graph.add("c", .convolution(.same(channels: 1)), b)
    #expect(try graph.layout(extents: [9]).trainableRanges == [0..<29])
    graph.freeze { $0.name == "b" }
    let layout = try graph.layout(extents: [9])
    #expect(layout.trainableRanges == [0..<8, 22..<29])
    #expect(layout.parameters.filter { !$0.isTrainable }.map(\.name) == ["b.weight", "b.bias"])
    #expect(try throughJSON(graph).value == graph)
  }
}
