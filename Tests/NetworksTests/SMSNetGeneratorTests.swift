import Foundation
import Networks
import Testing

@Suite struct SMSNetGeneratorTests {
  static func generator(_ change: (inout SMSNetGenerator) -> Void = { _ in }) -> SMSNetGenerator {
    var generator = SMSNetGenerator()
    change(&generator)
    return generator
  }

  /// The settings that dlsia's users have, and extreme ones.
  static let many: [SMSNetGenerator] = [
    generator(),
    generator { $0.nodes = 1 },
    generator { $0.nodes = 2 },
    generator { ($0.nodes, $0.inputOutput, $0.inputProbability, $0.outputProbability) = (1, false, 0, 0) },
    generator { ($0.nodes, $0.alpha, $0.gamma) = (40, 0.75, 2) },
    generator { ($0.alpha, $0.degree.max, $0.inputProbability) = (0, .edges(5), 0.1) },
    generator { ($0.nodes, $0.degree.min, $0.degree.max) = (10, .edges(5), .edges(5)) },
    generator { ($0.nodes, $0.alpha, $0.degree.min, $0.degree.max) = (40, 0.2, .edges(3), .edges(6)) },
    generator { ($0.degree.min, $0.degree.max) = (.fraction(0.1), .fraction(0.33)) },
    generator { ($0.alpha, $0.gamma, $0.inputProbability, $0.outputProbability) = (2000, 2000, 0, 0) },
    generator { ($0.inputProbability, $0.outputProbability, $0.inputOutput) = (1, 1, false) },
  ]

  @Test("every node lies on a path from input to output, and none is lost", arguments: many)
  func paths(generator: SMSNetGenerator) throws {
    for seed in 0..<100 as Range<UInt64> {
      let topology = try generator.topology(inputChannels: 2, seed: seed, member: 0)
      #expect(topology.nodeCount == generator.nodes + 2)
      var fromInput: Set = [0]
      var toOutput: Set = [topology.output]
      for node in topology.executionOrder {
        for edge in topology.edges where edge.source == node && fromInput.contains(node) {
          fromInput.insert(edge.target)
        }
      }
      for node in topology.executionOrder.reversed() {
        for edge in topology.edges where edge.target == node && toOutput.contains(node) {
          toOutput.insert(edge.source)
        }
      }
      #expect(fromInput.count == topology.nodeCount && toOutput.count == topology.nodeCount)
      #expect(topology.edges.contains { $0.source == 0 && $0.target == topology.output } == generator.inputOutput)
    }
  }

  @Test("the degree of every node lies between its limits", arguments: many)
  func degrees(generator: SMSNetGenerator) throws {
    let limit = { (limit: DegreeLimit) in limit.edges(nodes: generator.nodes) }
    for member in 0..<100 {
      let topology = try generator.topology(inputChannels: 1, seed: 7, member: member)
      for node in 1...generator.nodes {
        let degree = topology.edges.count { $0.source == node && $0.target != topology.output }
        let later = generator.nodes - node
        #expect(degree <= min(generator.degree.max.map(limit) ?? later, later))
        #expect(degree >= min(limit(generator.degree.min), later))
      }
    }
  }

  @Test func `every edge drawn is kept: with fixed degrees their number is exact`() throws {
    for degree in [1, 2, 5, 9, 30] {
      let generator = Self.generator { ($0.degree.min, $0.degree.max) = (.edges(degree), .edges(degree)) }
      for seed in 0..<50 as Range<UInt64> {
        let statistics = try generator.topology(inputChannels: 1, seed: seed, member: 3).statistics
        #expect(statistics.hiddenEdges == (1...20).reduce(0) { $0 + min(degree, 20 - $1) })
      }
    }
  }

  @Test func `all degrees at their most give the dense network`() throws {
    let generator = Self.generator { $0.degree.min = .edges(20) }
    let statistics = try generator.topology(inputChannels: 1, seed: 1, member: 0).statistics
    #expect(statistics.density == 1)
    #expect(statistics.longestPath == 21)
  }

  @Test func `one seed and member give one graph, others give others`() throws {
    let generator = Self.generator()
    var seen = Set<SMSNetTopology>()
    for seed in 0..<20 as Range<UInt64> {
      for member in 0..<10 {
        let topology = try generator.topology(inputChannels: 1, seed: seed, member: member)
        #expect(try generator.topology(inputChannels: 1, seed: seed, member: member) == topology)
        seen.insert(topology)
      }
    }
    #expect(seen.count == 200)
  }

  @Test func `a seed gives the same graph for ever, since results are to be made again from it`() throws {
    let generator = Self.generator {
      ($0.nodes, $0.degree.max, $0.gamma) = (5, .edges(3), 1.5)
      ($0.dilations, $0.hiddenChannels) = ([1, 2, 4], [2, 3])
    }
    let edges = try generator.topology(inputChannels: 1, seed: 2024, member: 3).edges
    // Computed by another implementation of Philox and of the laws.
    let expected = [
      [0, 1, 1, 1], [0, 2, 1, 1], [0, 5, 1, 1], [0, 6, 1, 1], [1, 3, 1, 2], [1, 5, 4, 2], [2, 4, 1, 3], [2, 6, 1, 3],
      [3, 4, 4, 2], [3, 6, 1, 3], [4, 5, 4, 3], [5, 6, 1, 3],
    ]
    #expect(edges.map { [$0.source, $0.target, $0.dilation, $0.channels] } == expected)
  }

  @Test func `other dilations or channels do not change the connections`() throws {
    let plain = Self.generator()
    let other = Self.generator { ($0.dilations, $0.hiddenChannels) = ([1, 2, 5], [1, 2]) }
    for member in 0..<20 {
      let pairs = try [plain, other].map {
        try $0.topology(inputChannels: 1, seed: 5, member: member).edges.map { [$0.source, $0.target] }
      }
      #expect(pairs[0] == pairs[1])
    }
  }

  /// Whether `count` of `total` agrees with a probability to five standard deviations.
  static func agrees(_ count: Int, of total: Int, with probability: Double) -> Bool {
    let deviation = (probability * (1 - probability) * Double(total)).squareRoot()
    return abs(Double(count) - probability * Double(total)) <= 5 * deviation + 1e-9
  }

  @Test("degrees follow k^−γ", arguments: [0, 0.5, 1, 1.7, 3])
  func degreeLaw(gamma: Double) throws {
    let generator = Self.generator {
      ($0.nodes, $0.gamma, $0.degree.min, $0.degree.max) = (40, gamma, .edges(2), .edges(6))
    }
    var counts = Array(repeating: 0, count: 7)
    for member in 0..<150 {
      let topology = try generator.topology(inputChannels: 1, seed: 11, member: member)
      for node in 1...34 { counts[topology.edges.count { $0.source == node && $0.target != topology.output }] += 1 }
    }
    let total = (2...6).reduce(0) { $0 + pow(Double($1), -gamma) }
    for degree in 2...6 {
      #expect(Self.agrees(counts[degree], of: 150 * 34, with: pow(Double(degree), -gamma) / total))
    }
  }

  @Test("skip lengths follow exp(−αδ)", arguments: [0, 0.2, 0.5, 2])
  func skipLaw(alpha: Double) throws {
    let generator = Self.generator {
      ($0.nodes, $0.alpha, $0.degree.min, $0.degree.max) = (12, alpha, .edges(1), .edges(1))
    }
    // The first target of node 1, and of node 2, has 11 and 10 lengths to choose from.
    for (node, lengths) in [(1, 11), (2, 10), (9, 3)] {
      var counts = Array(repeating: 0, count: lengths + 1)
      for member in 0..<2000 {
        let topology = try generator.topology(inputChannels: 1, seed: 3, member: member)
        for edge in topology.edges where edge.source == node && edge.target != topology.output {
          counts[edge.target - node] += 1
        }
      }
      let total = (1...lengths).reduce(0) { $0 + exp(-alpha * Double($1)) }
      for length in 1...lengths {
        #expect(Self.agrees(counts[length], of: 2000, with: exp(-alpha * Double(length)) / total))
      }
    }
  }

  @Test func `several targets are drawn one after another without replacement`() throws {
    // Of three later nodes two are drawn; the probability that the pair is {δ, ε} is p(δ)p(ε)/(1−p(δ)) + the reverse.
    let generator = Self.generator {
      ($0.nodes, $0.alpha, $0.degree.min, $0.degree.max) = (4, 0.8, .edges(2), .edges(2))
    }
    let total = (1...3).reduce(0) { $0 + exp(-0.8 * Double($1)) }
    let p = (1...3).map { exp(-0.8 * Double($0)) / total }
    var left = [0, 0, 0]
    for member in 0..<4000 {
      let topology = try generator.topology(inputChannels: 1, seed: 9, member: member)
      let targets = Set(topology.edges.filter { $0.source == 1 && $0.target != 5 }.map(\.target))
      #expect(targets.count == 2)
      for place in 0..<3 where !targets.contains(place + 2) { left[place] += 1 }
    }
    for place in 0..<3 {
      let (a, b) = (p[(place + 1) % 3], p[(place + 2) % 3])
      #expect(Self.agrees(left[place], of: 4000, with: a * b / (1 - a) + a * b / (1 - b)))
    }
  }

  @Test func `edges from the input and to the output are probabilities of each node, not fixed fractions`() throws {
    // In a dense network only node 1 must have an edge from the input, and node N one to the output.
    let generator = Self.generator {
      ($0.degree.min, $0.inputProbability, $0.outputProbability) = (.edges(20), 0.3, 0.6)
    }
    var inputs: [Int] = []
    var outputs: [Int] = []
    for member in 0..<500 {
      let statistics = try generator.topology(inputChannels: 1, seed: 2, member: member).statistics
      inputs.append(statistics.inputEdges - 1)
      outputs.append(statistics.outputEdges - 1)
    }
    #expect(Self.agrees(inputs.reduce(0, +), of: 500 * 19, with: 0.3))
    #expect(Self.agrees(outputs.reduce(0, +), of: 500 * 19, with: 0.6))
    // The variance of a binomial number of 19 is 19·p·(1 − p); that of a fixed fraction would be 0.
    for (numbers, p) in [(inputs, 0.3), (outputs, 0.6)] {
      let mean = Double(numbers.reduce(0, +)) / 500
      let variance = numbers.reduce(0) { $0 + (Double($1) - mean) * (Double($1) - mean) } / 499
      #expect(abs(variance / (19 * p * (1 - p)) - 1) < 0.3)
    }
  }

  @Test func `dilations and channels are uniform choices, and edges from the input have the image's channels`() throws {
    let generator = Self.generator { ($0.dilations, $0.hiddenChannels) = ([1, 3, 7], [2, 5]) }
    var dilations: [Int: Int] = [:]
    var channels: [Int: Int] = [:]
    var total = (hidden: 0, leaving: 0)
    for member in 0..<50 {
      let topology = try generator.topology(inputChannels: 4, seed: 21, member: member)
      for edge in topology.edges {
        if edge.source == 0 {
          #expect(edge.channels == 4 && edge.dilation == 1)
        } else {
          channels[edge.channels, default: 0] += 1
          total.leaving += 1
          if edge.target == topology.output {
            #expect(edge.dilation == 1)
          } else {
            dilations[edge.dilation, default: 0] += 1
            total.hidden += 1
          }
        }
      }
    }
    #expect(dilations.keys.sorted() == [1, 3, 7] && channels.keys.sorted() == [2, 5])
    for count in dilations.values { #expect(Self.agrees(count, of: total.hidden, with: 1.0 / 3)) }
    for count in channels.values { #expect(Self.agrees(count, of: total.leaving, with: 0.5)) }
  }

  @Test func `impossible settings are refused by name`() {
    func setting(_ change: (inout SMSNetGenerator) -> Void) -> String? {
      do {
        _ = try Self.generator(change).topology(inputChannels: 1, seed: 0, member: 0)
        return nil
      } catch { return (error as? NetworkSettingError)?.setting ?? "\(error)" }
    }
    #expect(setting { _ in } == nil)
    #expect(setting { $0.nodes = 0 } == "nodes")
    #expect(setting { $0.degree.min = .edges(0) } == "degree.min")
    #expect(setting { $0.degree.max = .edges(-3) } == "degree.max")
    #expect(setting { $0.degree.max = .fraction(1.5) } == "degree.max")
    #expect(setting { $0.degree.min = .fraction(.nan) } == "degree.min")
    #expect(setting { ($0.degree.min, $0.degree.max) = (.edges(6), .edges(5)) } == "degree")
    #expect(setting { $0.gamma = -1 } == "gamma")
    #expect(setting { $0.alpha = .infinity } == "alpha")
    #expect(setting { $0.inputProbability = 1.1 } == "input-probability")
    #expect(setting { $0.outputProbability = .nan } == "output-probability")
    #expect(setting { $0.dilations = [] } == "dilations")
    #expect(setting { $0.dilations = [1, 0] } == "dilations")
    #expect(setting { $0.hiddenChannels = [0] } == "hidden-channels")
  }
}
