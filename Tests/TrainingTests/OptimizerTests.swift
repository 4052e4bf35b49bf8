import Foundation
import Host
import TestSupport
import Testing

@testable import Training

@Suite struct OptimizerTests {
  private static let all: [OptimizerSettings] =
    Optimizers.all.map { OptimizerSettings($0.init()) } + [
      OptimizerSettings(SGD(momentum: 0.9, dampening: 0.1), rate: 0.1, weightDecay: 0.01),
      OptimizerSettings(SGD(momentum: 0.9, nesterov: true), rate: 0.1),
      OptimizerSettings(Adam(amsgrad: true), rate: 0.01),
      OptimizerSettings(RMSprop(momentum: 0.5, centered: true), rate: 0.01),
      OptimizerSettings(Adagrad(rateDecay: 0.001, initialAccumulator: 0.5), rate: 0.1),
    ]

  private func random(_ count: Int, _ seed: UInt64) -> [Float] {
    var random = TestRandom(seed)
    return (0..<count).map { _ in random.uniform() - 0.5 }
  }

  /// Parameters after some steps of a quadratic loss, Σ ½(p − goal)².
  private func run(
    _ optimizer: Optimizer, _ parameters: inout [Float], steps: Int, threads: Int = 1
  ) throws {
    let team = try ThreadTeam(size: threads)
    for _ in 0..<steps {
      let gradients = parameters.enumerated().map { $1 - Float($0 % 7) / 7 }
      parameters.withUnsafeMutableBufferPointer { parameters in
        gradients.withUnsafeBufferPointer {
          optimizer.step(parameters: parameters.baseAddress!, gradients: $0.baseAddress!, team: team)
        }
      }
    }
  }

  @Test(arguments: all) func `every optimizer comes down a bowl`(settings: OptimizerSettings) throws {
    var settings = settings
    settings.rate = 0.05
    settings.weightDecay = 0
    var parameters = random(40, 3)
    func distance() -> Float { parameters.enumerated().map { abs($1 - Float($0 % 7) / 7) }.reduce(0, +) }
    let before = distance()
    try run(Optimizer(settings, count: 40), &parameters, steps: 200)
    #expect(distance() < 0.3 * before)
  }

  @Test(arguments: all) func `settings survive their file form`(settings: OptimizerSettings) throws {
    let data = try JSONEncoder().encode(settings)
    #expect(try JSONDecoder().decode(OptimizerSettings.self, from: data) == settings)
  }

  @Test func `settings left out are PyTorch's`() throws {
    func read(_ text: String) throws -> OptimizerSettings {
      try JSONDecoder().decode(OptimizerSettings.self, from: Data(text.utf8))
    }
    for type in Optimizers.all {
      #expect(try read(#"{"name": "\#(type.name)"}"#) == OptimizerSettings(type.init()))
    }
    #expect(
      try read(#"{"name": "adam", "rate": 0.1, "betas": [0.5, 0.9]}"#)
        == OptimizerSettings(Adam(betas: .init(0.5, 0.9)), rate: 0.1))
  }

  @Test(arguments: all) func `a step has the same bits for one, two and three threads`(settings: OptimizerSettings)
    throws
  {
    // Three blocks, the last of them short.
    let count = 2 * ParameterBlocks.size + 1234
    let start = random(count, 5)
    let results = try (1...3).map { threads in
      var parameters = start
      try run(Optimizer(settings, count: count), &parameters, steps: 2, threads: threads)
      return parameters
    }
    #expect(results[0] == results[1] && results[0] == results[2])
    #expect(results[0] != start)
  }

  @Test(arguments: all) func `frozen parameters stay, and the others move as without them`(settings: OptimizerSettings)
    throws
  {
    let start = random(100, 6)
    var (all, some) = (start, start)
    try run(Optimizer(settings, count: 100), &all, steps: 5)
    try run(Optimizer(settings, count: 100, trainable: [10..<25, 60..<100]), &some, steps: 5)
    for index in 0..<100 {
      let isFree = (10..<25).contains(index) || index >= 60
      #expect(some[index] == (isFree ? all[index] : start[index]))
    }
  }

  @Test(arguments: all) func `an optimizer goes on from its saved state with the same bits`(settings: OptimizerSettings)
    throws
  {
    var straight = random(50, 7)
    var resumed = straight
    try run(Optimizer(settings, count: 50), &straight, steps: 9)
    let first = Optimizer(settings, count: 50)
    try run(first, &resumed, steps: 4)
    let second = Optimizer(settings, count: 50)
    second.progress = try JSONDecoder().decode(
      Optimizer.Progress.self, from: JSONEncoder().encode(first.progress))
    for (new, old) in zip(second.state, first.state) { new.pointer.update(from: old.pointer, count: old.count) }
    try run(second, &resumed, steps: 5)
    #expect(straight == resumed)
  }

  @Test func `a step allocates nothing`() throws {
    let optimizer = Optimizer(OptimizerSettings(NAdam()), count: 200_000)
    let buffers = (0..<2).map { _ in AlignedBuffer<Float>(count: 200_000) }
    let clipping = GradientClipping(ClippingSettings(norm: 1, value: 0.1), ranges: [0..<150_000, 150_000..<200_000])
    let team = try ThreadTeam(size: 1)
    func work() {
      clipping.clip(buffers[1].pointer, team: team)
      optimizer.step(parameters: buffers[0].pointer, gradients: buffers[1].pointer, team: team)
    }
    work()
    // Tests that run beside this one may allocate meanwhile; not every time.
    guard allocatedBytes({}) != nil else { return }
    #expect((0..<8).compactMap { _ in allocatedBytes(work) }.contains(0))
  }
}
