import CMPI

/// How a reduction combines the ranks' elements.
///
/// Sums exist for integers only: MPI adds in an order that depends on the number of ranks, so that a sum of floating
/// point numbers would have other bits on other numbers of ranks. Sum those along a fixed tree.
public struct Reduction<Element: MPIScalar>: Sendable {
  private enum Operation {
    case sum, minimum, maximum, bitwiseAnd, bitwiseOr, bitwiseXor, logicalAnd, logicalOr
  }

  private let operation: Operation

  var handle: CMPIOp {
    switch operation {
    case .sum: cmpi_sum()
    case .minimum: cmpi_min()
    case .maximum: cmpi_max()
    case .bitwiseAnd: cmpi_bitwise_and()
    case .bitwiseOr: cmpi_bitwise_or()
    case .bitwiseXor: cmpi_bitwise_xor()
    case .logicalAnd: cmpi_logical_and()
    case .logicalOr: cmpi_logical_or()
    }
  }
}

extension Reduction {
  /// The smallest element. With NaN among them the result is not defined: look for those first.
  public static var minimum: Self { Self(operation: .minimum) }
  /// The largest element. With NaN among them the result is not defined: look for those first.
  public static var maximum: Self { Self(operation: .maximum) }
}

extension Reduction where Element: FixedWidthInteger {
  /// The sum, wrapping around on overflow.
  public static var sum: Self { Self(operation: .sum) }
  /// The bits that are set in all elements.
  public static var bitwiseAnd: Self { Self(operation: .bitwiseAnd) }
  /// The bits that are set in some element.
  public static var bitwiseOr: Self { Self(operation: .bitwiseOr) }
  /// The bits that are set in an odd number of elements.
  public static var bitwiseXor: Self { Self(operation: .bitwiseXor) }
  /// 1 when all elements differ from 0, else 0.
  public static var logicalAnd: Self { Self(operation: .logicalAnd) }
  /// 1 when some element differs from 0, else 0.
  public static var logicalOr: Self { Self(operation: .logicalOr) }
}

extension Reduction where Element: BinaryFloatingPoint {
  /// The sum in the library's own order: for measurements beside the fixed tree, never for results.
  package static var sumInAnyOrder: Self { Self(operation: .sum) }
}
