import Host
import Settings

/// How the weights of convolutions and linear layers start, as the schemes of `torch.nn.init`.
///
/// The fan-in of a weight `[a, b, …]` is b times the pixels of its kernel, the fan-out a times as many; the gain is
/// that of ReLU, √2, in Kaiming's schemes and 1 in the others. With every scheme but `pytorch` biases start at 0.
public enum Initialization: String, SettingConvertible, Hashable, Codable, CaseIterable {
  /// PyTorch's default, which DLSIA leaves as it is: weights and biases uniform in ±1/√fan-in.
  case pytorch
  /// He et al., arXiv 1502.01852: variance 2 / fan-in.
  case kaimingUniform = "kaiming-uniform"
  /// As `kaimingUniform`, from a normal distribution.
  case kaimingNormal = "kaiming-normal"
  /// Glorot and Bengio, AISTATS 2010: variance 2 / (fan-in + fan-out).
  case xavierUniform = "xavier-uniform"
  /// As `xavierUniform`, from a normal distribution.
  case xavierNormal = "xavier-normal"
  /// Saxe, McClelland and Ganguli, arXiv 1312.6120: the weight as a matrix `[a, b · …]` has orthonormal rows or
  /// columns, whichever are fewer.
  case orthogonal

  /// How a weight of this shape starts.
  func weight(_ shape: [Int]) -> ParameterLayout.Initial {
    let pixels = shape.dropFirst(2).reduce(1, *)
    let fanIn = Double(shape[1] * pixels)
    let fanOut = Double(shape[0] * pixels)
    return switch self {
    case .pytorch: .uniform(bound: 1 / fanIn.squareRoot())
    case .kaimingUniform: .uniform(bound: (6 / fanIn).squareRoot())
    case .kaimingNormal: .normal(deviation: (2 / fanIn).squareRoot())
    case .xavierUniform: .uniform(bound: (6 / (fanIn + fanOut)).squareRoot())
    case .xavierNormal: .normal(deviation: (2 / (fanIn + fanOut)).squareRoot())
    case .orthogonal: .orthogonal
    }
  }

  /// How the bias beside a weight of this shape starts.
  func bias(weight shape: [Int]) -> ParameterLayout.Initial {
    self == .pytorch ? weight(shape) : .constant(0)
  }

  /// A matrix whose rows or columns, whichever are fewer, are orthonormal: normal numbers, orthonormalized one after
  /// another by Gram and Schmidt's method (twice, which keeps them orthogonal to rounding).
  ///
  /// - Complexity: O(*rows* · *columns* · min(*rows*, *columns*)).
  static func orthogonal(rows: Int, columns: Int, _ stream: inout RandomStream) -> [Float] {
    let count = min(rows, columns)
    let length = max(rows, columns)
    var vectors = (0..<count * length).map { _ in stream.normal() }
    vectors.withUnsafeMutableBufferPointer { vectors in
      for index in 0..<count {
        let vector = vectors.baseAddress! + index * length
        for _ in 0..<2 {
          for other in 0..<index {
            let unit = vectors.baseAddress! + other * length
            var product = 0.0
            for place in 0..<length { product += vector[place] * unit[place] }
            for place in 0..<length { vector[place] -= product * unit[place] }
          }
        }
        var square = 0.0
        for place in 0..<length { square += vector[place] * vector[place] }
        let scale = 1 / square.squareRoot()
        for place in 0..<length { vector[place] *= scale }
      }
    }
    if rows <= columns { return vectors.map { Float($0) } }
    return (0..<rows * columns).map { place in
      let (row, column) = place.quotientAndRemainder(dividingBy: columns)
      return Float(vectors[column * length + row])
    }
  }
}
