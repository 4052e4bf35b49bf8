import Networks

#if canImport(Glibc)
  import Glibc
#endif

func exponential(_ x: Double) -> Double { exp(x) }
func naturalLogarithm(_ x: Double) -> Double { log(x) }

/// An activation function by its definition.
func apply(_ activation: Activation, _ x: Double) -> Double {
  switch activation {
  case .relu: max(x, 0)
  case .leakyReLU(let slope): x > 0 ? x : slope * x
  case .prelu: preconditionFailure("a PReLU has parameters")
  case .elu(let alpha): x > 0 ? x : alpha * (exp(x) - 1)
  case .gelu: 0.5 * x * (1 + erf(x / 2.0.squareRoot()))
  case .silu: x / (1 + exp(-x))
  case .tanh: tanh(x)
  case .sigmoid: 1 / (1 + exp(-x))
  case .softplus: x > 20 ? x : log(1 + exp(x))
  case .hardswish: x * min(max(x + 3, 0), 6) / 6
  }
}
