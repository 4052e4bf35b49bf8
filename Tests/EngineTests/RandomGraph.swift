import Networks
import TestSupport

/// Random networks: values with many consumers, nested concatenations, concatenations that share inputs, consumers with
/// different paddings.
struct RandomGraph {
  private var random: TestRandom
  private(set) var graph: NetworkGraph
  /// Values as large as the image, with their channels.
  private var pool: [(id: Int, channels: Int)]
  private var number = 0
  private var stacks: [(id: Int, channels: Int)] = []

  init(dimensions: Int, nodes: Int, seed: UInt64) {
    random = TestRandom(seed)
    graph = NetworkGraph(dimensions: dimensions)
    let channels = random.integer(1...2)
    pool = [(graph.add("input", .input(channels: channels)), channels)]
    for _ in 0..<nodes { addNode() }
    finish()
  }

  private mutating func add(_ operation: Networks.Operation, _ inputs: [Int]) -> Int {
    number += 1
    return graph.add("node\(number)", operation, inputs: inputs)
  }

  private mutating func pick() -> (id: Int, channels: Int) { pool[random.integer(0...pool.count - 1)] }

  private mutating func addNode() {
    let source = pick()
    switch random.integer(0...17) {
    case 0...3:
      let channels = random.integer(1...3)
      let kernel = [1, 3, 3, 5][random.integer(0...3)]
      let convolution = Convolution.same(
        channels: channels, kernel: kernel, dilation: kernel == 5 ? 1 : random.integer(1...3),
        paddingMode: PaddingMode.allCases[random.integer(0...3)], bias: random.integer(0...1) == 0)
      pool.append((add(.convolution(convolution), [source.id]), channels))
    case 4, 5:
      let normalization = BatchNormalization(epsilon: 1e-3, tracksRunningStatistics: random.integer(0...1) == 0)
      pool.append((add(.batchNormalization(normalization), [source.id]), source.channels))
    case 6, 7:
      let activation: [Activation] = [.relu, .leakyReLU(negativeSlope: 0.2), .silu, .tanh]
      pool.append((add(.activation(activation[random.integer(0...3)]), [source.id]), source.channels))
    case 8:
      let low = add(.maxPooling(MaxPooling(kernel: 2)), [source.id])
      let channels = random.integer(1...2)
      let up = TransposedConvolution(channels: channels, kernel: 2, stride: 2)
      pool.append((add(.transposedConvolution(up), [low, source.id]), channels))
    case 9 where source.channels > 1:
      pool.append((add(.softmax(logarithm: random.integer(0...1) == 0), [source.id]), source.channels))
    case 13:
      let groups = source.channels % 2 == 0 && random.integer(0...1) == 0 ? source.channels / 2 : nil
      let normalization = GroupNormalization(groups: groups, epsilon: 1e-3, affine: random.integer(0...1) == 0)
      pool.append((add(.groupNormalization(normalization), [source.id]), source.channels))
    case 14:
      pool.append((add(.activation(.prelu(perChannel: random.integer(0...1) == 0)), [source.id]), source.channels))
    case 15:
      let low = add(.maxPooling(MaxPooling(kernel: 2)), [source.id])
      let up = Upsampling(mode: random.integer(0...1) == 0 ? .linear : .nearest, factor: 2)
      pool.append((add(.upsampling(up), [low, source.id]), source.channels))
    case 16:
      let terms = pool.filter { $0.channels == source.channels }.suffix(3)
      let factors = random.integer(0...1) == 0 ? [] : terms.indices.map { 0.5 + Double($0 % 3) }
      pool.append((add(.sum(factors: factors), terms.map(\.id)), source.channels))
    case 17:
      pool.append((add(.clamp(minimum: -0.4, maximum: 0.7), [source.id]), source.channels))
    case 10:
      pool.append((add(.dropout(rate: 0.4), [source.id]), source.channels))
    default:
      var parts = [source, pick()]
      if random.integer(0...1) == 0 { parts.append(pick()) }
      if let last = stacks.last, random.integer(0...1) == 0 { parts.append(last) }
      let channels = parts.reduce(0) { $0 + $1.channels }
      guard channels <= 12 else { return }
      let stack = (add(.concatenation, parts.map(\.id)), channels)
      pool.append(stack)
      stacks.append(stack)
    }
  }

  /// Concatenates all values that nothing reads. One time in three that is the output, else a convolution of it.
  private mutating func finish() {
    let consumers = graph.readers
    let open = pool.map(\.id).filter { consumers[$0].isEmpty }
    let stack = add(.concatenation, open)
    if random.integer(0...2) > 0 { _ = add(.convolution(Convolution(channels: 2, kernel: 1)), [stack]) }
  }
}
