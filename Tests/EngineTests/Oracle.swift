import Engine
import Host
import Networks
import TestSupport

/// A network evaluated node by node in double precision, by the formulas that define the operations: no plan, no
/// placement, no kernels. What the engine computes is compared with it.
struct Oracle {
  let graph: NetworkGraph
  let shapes: [FeatureShape]
  let layout: ParameterLayout

  init(_ graph: NetworkGraph, extents: [Int]) throws {
    self.graph = graph
    shapes = try graph.shapes(extents: extents)
    layout = ParameterLayout(graph, shapes: shapes)
  }

  /// What a batch is evaluated with: numbers of every kind in the engine's order.
  struct Point {
    /// `[sample, channel, z, y, x]`.
    var images: [Double]
    var parameters: [Double]
    /// Running statistics for a prediction; nil for those of the batch, as in training.
    var statistics: [Double]?
    /// What dropout draws by; nil for none, as in a prediction.
    var dropout: DropoutKey?
  }

  /// The network's results, `[sample, channel, z, y, x]`.
  func outputs(_ point: Point, batch: Int) -> [Double] { values(point, batch: batch)[graph.output] }

  /// The values of all nodes.
  ///
  /// - Parameters:
  ///   - moved: nil: all are computed; else those of this node and of what depends on it, the others are `known`.
  func values(_ point: Point, batch: Int, moved: Int? = nil, from known: [[Double]] = []) -> [[Double]] {
    var values: [[Double]] = []
    var isMoved: [Bool] = []
    for (id, node) in graph.nodes.enumerated() {
      isMoved.append(moved == nil || id == moved || node.inputs.contains { isMoved[$0] })
      guard isMoved[id] else {
        values.append(known[id])
        continue
      }
      let inputs = node.inputs.map { values[$0] }
      let name = node.name
      func parameter(_ part: String) -> [Double]? {
        layout.parameter("\(name).\(part)").map { Array(point.parameters[$0.range]) }
      }
      switch node.operation {
      case .input: values.append(point.images)
      case .convolution(let c):
        values.append(
          convolve(inputs[0], from: node.inputs[0], to: id, c, parameter("weight")!, parameter("bias"), batch))
      case .transposedConvolution(let c):
        values.append(
          transposed(inputs[0], from: node.inputs[0], to: id, c, parameter("weight")!, parameter("bias"), batch))
      case .batchNormalization(let n):
        let means = layout.statistic("\(name).running_mean")
        let variances = layout.statistic("\(name).running_var")
        values.append(
          normalize(inputs[0], id, epsilon: n.epsilon, scale: parameter("weight")!, shift: parameter("bias")!, batch) {
            guard let statistics = point.statistics, let means, let variances else { return nil }
            return (statistics[means.offset + $0], statistics[variances.offset + $0])
          })
      case .groupNormalization(let n):
        values.append(
          normalizeGroups(inputs[0], id, n, scale: parameter("weight"), shift: parameter("bias"), batch))
      case .activation(.prelu):
        let slopes = parameter("weight")!
        let (channels, pixels) = (shapes[id].channels, shapes[id].pixels)
        values.append(
          inputs[0].enumerated().map { index, value in
            value > 0 ? value : value * slopes[slopes.count == 1 ? 0 : index / pixels % channels]
          })
      case .activation(let activation): values.append(inputs[0].map { apply(activation, $0) })
      case .maxPooling(let p): values.append(pool(inputs[0], from: node.inputs[0], to: id, p, batch))
      case .upsampling(let u): values.append(upsample(inputs[0], from: node.inputs[0], to: id, u, batch))
      case .sum(let factors):
        values.append(
          inputs[0].indices.map { place in
            inputs.indices.reduce(0) { $0 + (factors.isEmpty ? 1 : factors[$1]) * inputs[$1][place] }
          })
      case .reshape: values.append(inputs[0])
      case .clamp(let minimum, let maximum): values.append(inputs[0].map { min(max($0, minimum), maximum) })
      case .concatenation:
        let sizes = node.inputs.map { shapes[$0].elements }
        values.append(
          (0..<batch).flatMap { sample in
            zip(inputs, sizes).flatMap { $0[sample * $1..<(sample + 1) * $1] }
          })
      case .linear:
        let features = shapes[id].elements
        let size = shapes[node.inputs[0]].elements
        let weight = parameter("weight")!
        let bias = parameter("bias")
        values.append(
          (0..<batch * features).map { index in
            let (sample, feature) = index.quotientAndRemainder(dividingBy: features)
            return (0..<size).reduce(bias?[feature] ?? 0) {
              $0 + weight[feature * size + $1] * inputs[0][sample * size + $1]
            }
          })
      case .softmax(let logarithm): values.append(softmax(inputs[0], id, logarithm: logarithm, batch))
      case .dropout(let rate): values.append(drop(inputs[0], id, rate: Float(rate), by: point.dropout))
      }
    }
    return values
  }

  // MARK: Operations

  private struct Extents {
    var z: Int, y: Int, x: Int
    var pixels: Int { z * y * x }
    subscript(axis: Int) -> Int { [z, y, x][axis] }
  }

  private func extents(_ id: Int) -> Extents {
    let e = Array(repeating: 1, count: 3 - graph.dimensions) + shapes[id].extents
    return Extents(z: e[0], y: e[1], x: e[2])
  }

  private func axes(_ setting: PerAxis, _ neutral: Int) -> [Int] {
    Array(repeating: neutral, count: 3 - graph.dimensions) + setting.values(dimensions: graph.dimensions)!
  }

  /// The pixel that `place` stands for in an image of `extent` pixels; nil for a zero.
  static func pixel(_ place: Int, extent: Int, mode: PaddingMode) -> Int? {
    switch mode {
    case .zeros: (0..<extent).contains(place) ? place : nil
    case .replicate: min(max(place, 0), extent - 1)
    case .circular: ((place % extent) + extent) % extent
    case .reflect: place < 0 ? -place : place >= extent ? 2 * extent - 2 - place : place
    }
  }

  private func convolve(
    _ image: [Double], from source: Int, to target: Int, _ c: Convolution, _ weight: [Double], _ bias: [Double]?,
    _ batch: Int
  ) -> [Double] {
    let (input, output) = (extents(source), extents(target))
    let inputs = shapes[source].channels
    let (k, s, d, p) = (axes(c.kernel, 1), axes(c.stride, 1), axes(c.dilation, 1), axes(c.padding, 0))
    // For each pixel and tap of an axis the source pixel, -1 for a zero.
    let places = (0..<3).map { axis in
      (0..<output[axis] * k[axis]).map { index in
        let (pixel, tap) = index.quotientAndRemainder(dividingBy: k[axis])
        return Self.pixel(pixel * s[axis] + tap * d[axis] - p[axis], extent: input[axis], mode: c.paddingMode) ?? -1
      }
    }
    let (zPlaces, yPlaces, xPlaces) = (places[0], places[1], places[2])
    let taps = taps(k)
    let (area, pixels) = (k[0] * k[1] * k[2], input.pixels)
    var result: [Double] = []
    result.reserveCapacity(batch * c.channels * output.pixels)
    for sample in 0..<batch {
      for channel in 0..<c.channels {
        for z in 0..<output.z {
          for y in 0..<output.y {
            for x in 0..<output.x {
              var sum = bias?[channel] ?? 0
              for (tap, (tz, ty, tx)) in taps.enumerated() {
                let (zs, ys, xs) = (zPlaces[z * k[0] + tz], yPlaces[y * k[1] + ty], xPlaces[x * k[2] + tx])
                guard zs >= 0, ys >= 0, xs >= 0 else { continue }
                let pixel = (zs * input.y + ys) * input.x + xs
                for from in 0..<inputs {
                  sum +=
                    weight[(channel * inputs + from) * area + tap] * image[(sample * inputs + from) * pixels + pixel]
                }
              }
              result.append(sum)
            }
          }
        }
      }
    }
    return result
  }

  private func taps(_ kernel: [Int]) -> [(Int, Int, Int)] {
    (0..<kernel[0]).flatMap { z in (0..<kernel[1]).flatMap { y in (0..<kernel[2]).map { (z, y, $0) } } }
  }

  /// Every input pixel spreads its kernel over the result.
  private func transposed(
    _ image: [Double], from source: Int, to target: Int, _ c: TransposedConvolution, _ weight: [Double],
    _ bias: [Double]?, _ batch: Int
  ) -> [Double] {
    let (input, output) = (extents(source), extents(target))
    let inputs = shapes[source].channels
    let (k, s, p) = (axes(c.kernel, 1), axes(c.stride, 1), axes(c.padding, 0))
    let taps = taps(k)
    var result = (0..<batch * c.channels * output.pixels).map { bias?[$0 / output.pixels % c.channels] ?? 0 }
    for sample in 0..<batch {
      for from in 0..<inputs {
        for index in 0..<input.pixels {
          let (z, y, x) = (index / (input.y * input.x), index / input.x % input.y, index % input.x)
          let value = image[(sample * inputs + from) * input.pixels + index]
          for (tz, ty, tx) in taps {
            let (zt, yt, xt) = (z * s[0] + tz - p[0], y * s[1] + ty - p[1], x * s[2] + tx - p[2])
            guard (0..<output.z).contains(zt), (0..<output.y).contains(yt), (0..<output.x).contains(xt) else {
              continue
            }
            for channel in 0..<c.channels {
              let w = weight[(((from * c.channels + channel) * k[0] + tz) * k[1] + ty) * k[2] + tx]
              result[(((sample * c.channels + channel) * output.z + zt) * output.y + yt) * output.x + xt] += w * value
            }
          }
        }
      }
    }
    return result
  }

  private func normalize(
    _ image: [Double], _ id: Int, epsilon: Double, scale: [Double], shift: [Double], _ batch: Int,
    known: (Int) -> (mean: Double, variance: Double)?
  ) -> [Double] {
    var result = image
    let channels = shapes[id].channels
    let pixels = shapes[id].pixels
    for channel in 0..<channels {
      let places = (0..<batch).flatMap { sample in
        (0..<pixels).map { (sample * channels + channel) * pixels + $0 }
      }
      let count = Double(places.count)
      let own = places.reduce(0) { $0 + image[$1] } / count
      let spread = places.reduce(0) { $0 + (image[$1] - own) * (image[$1] - own) } / count
      let (mean, variance) = known(channel) ?? (own, spread)
      for place in places {
        result[place] = (image[place] - mean) / (variance + epsilon).squareRoot() * scale[channel] + shift[channel]
      }
    }
    return result
  }

  private func normalizeGroups(
    _ image: [Double], _ id: Int, _ settings: GroupNormalization, scale: [Double]?, shift: [Double]?, _ batch: Int
  ) -> [Double] {
    let (channels, pixels) = (shapes[id].channels, shapes[id].pixels)
    let size = channels / (settings.groups ?? channels) * pixels
    var result: [Double] = []
    for first in stride(from: 0, to: image.count, by: size) {
      let group = image[first..<first + size]
      let mean = group.reduce(0, +) / Double(size)
      let variance = group.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(size)
      for place in group.indices {
        let channel = place / pixels % channels
        result.append(
          (image[place] - mean) / (variance + settings.epsilon).squareRoot() * (scale?[channel] ?? 1)
            + (shift?[channel] ?? 0))
      }
    }
    return result
  }

  /// Every pixel looks at all source pixels with weights that fall off linearly with the distance.
  private func upsample(_ image: [Double], from source: Int, to target: Int, _ u: Upsampling, _ batch: Int) -> [Double]
  {
    let (input, output) = (extents(source), extents(target))
    func weights(_ axis: Int, _ index: Int) -> [(Int, Double)] {
      let (n, m) = (input[axis], output[axis])
      if u.mode == .nearest { return [(index * n / m, 1)] }
      var place = (Double(index) + 0.5) * Double(n) / Double(m) - 0.5
      if u.alignCorners { place = m == 1 ? 0 : Double(index) * Double(n - 1) / Double(m - 1) }
      place = min(max(place, 0), Double(n - 1))
      return (0..<n).map { ($0, max(0, 1 - abs(place - Double($0)))) }.filter { $0.1 > 0 }
    }
    let table = (0..<3).map { axis in (0..<output[axis]).map { weights(axis, $0) } }
    return (0..<batch * shapes[target].channels * output.pixels).map { index in
      let (plane, pixel) = index.quotientAndRemainder(dividingBy: output.pixels)
      var sum = 0.0
      for (z, wz) in table[0][pixel / (output.y * output.x)] {
        for (y, wy) in table[1][pixel / output.x % output.y] {
          for (x, wx) in table[2][pixel % output.x] {
            sum += wz * wy * wx * image[((plane * input.z + z) * input.y + y) * input.x + x]
          }
        }
      }
      return sum
    }
  }

  private func pool(_ image: [Double], from source: Int, to target: Int, _ p: MaxPooling, _ batch: Int) -> [Double] {
    let (input, output) = (extents(source), extents(target))
    let (k, s) = (axes(p.kernel, 1), axes(p.stride, 1))
    let taps = taps(k)
    return (0..<batch * shapes[target].channels * output.pixels).map { index in
      let (plane, pixel) = index.quotientAndRemainder(dividingBy: output.pixels)
      let (z, y, x) = (pixel / (output.y * output.x), pixel / output.x % output.y, pixel % output.x)
      return taps.reduce(-.infinity) { largest, tap in
        let (tz, ty, tx) = tap
        return max(
          largest, image[((plane * input.z + z * s[0] + tz) * input.y + y * s[1] + ty) * input.x + x * s[2] + tx])
      }
    }
  }

  private func softmax(_ image: [Double], _ id: Int, logarithm: Bool, _ batch: Int) -> [Double] {
    var result = image
    let (channels, pixels) = (shapes[id].channels, shapes[id].pixels)
    for sample in 0..<batch {
      for pixel in 0..<pixels {
        let places = (0..<channels).map { (sample * channels + $0) * pixels + pixel }
        let sum = places.reduce(0) { $0 + exponential(image[$1]) }
        for place in places {
          result[place] = logarithm ? image[place] - naturalLogarithm(sum) : exponential(image[place]) / sum
        }
      }
    }
    return result
  }

  /// One stream of numbers for each channel of each sample, a number for each pixel.
  private func drop(_ image: [Double], _ id: Int, rate: Float, by key: DropoutKey?) -> [Double] {
    guard let key else { return image }
    let (channels, pixels) = (shapes[id].channels, shapes[id].pixels)
    var result = image
    for plane in 0..<image.count / pixels {
      let (sample, channel) = plane.quotientAndRemainder(dividingBy: channels)
      var random = RandomStream(
        seed: key.seed, purpose: .dropout, keys: key.member, key.step, UInt64(key.firstSample + sample),
        RandomStream.key(of: graph.nodes[id].name), UInt64(channel))
      for pixel in 0..<pixels { result[plane * pixels + pixel] *= random.uniform() < rate ? 0 : 1 / (1 - Double(rate)) }
    }
    return result
  }
}
