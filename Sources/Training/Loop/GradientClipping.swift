import CKernels
import Host
import Settings

/// How gradients are limited before a step.
public struct ClippingSettings: SettingsSection {
  public static let settings: [Setting<Self>] = [
    Setting(
      "norm", \.norm, .number(.above(0, limit: 1e30)), otherwise: "no limit",
      "the largest Euclidean norm of all derivatives; above it they are scaled"),
    Setting(
      "value", \.value, .number(.above(0, limit: 1e30)), otherwise: "no limit", "the largest size of a derivative"),
  ]

  /// All gradients together are scaled to this Euclidean norm when theirs is greater
  /// (`torch.nn.utils.clip_grad_norm_`).
  public var norm: Double?
  /// Each derivative is brought into ± this (`clip_grad_value_`), after the norm.
  public var value: Double?

  public init() { self.init(norm: nil) }

  /// Limits of the norm of all derivatives, of the size of each, or of both.
  public init(norm: Double? = nil, value: Double? = nil) {
    self.norm = norm
    self.value = value
  }
}

/// Limits gradients in place.
///
/// Squares are summed in double over fixed blocks of each parameter, and the blocks' sums in order, so that the norm
/// never sees threads or ranks. It allocates nothing.
public final class GradientClipping {
  /// The limits.
  public let settings: ClippingSettings
  private let blocks: ParameterBlocks
  private let sums: AlignedBuffer<Double>

  /// - Parameter ranges: of the parameters that count, one range for each.
  public init(_ settings: ClippingSettings, ranges: [Range<Int>]) {
    self.settings = settings
    blocks = ParameterBlocks(of: ranges)
    sums = AlignedBuffer(count: blocks.count)
  }

  /// The Euclidean norm of the gradients.
  public func norm(_ gradients: UnsafePointer<Float>, team: ThreadTeam) -> Double {
    team.run(count: blocks.count) { index, _ in
      let (start, count) = blocks[index]
      sums.pointer[index] = tutti_sum_of_squares(gradients + start, count)
    }
    var sum = 0.0
    for index in 0..<blocks.count { sum += sums.pointer[index] }
    return sum.squareRoot()
  }

  /// Limits the gradients as the settings say.
  ///
  /// - Returns: the norm that they had; nil when only values are limited.
  @discardableResult
  public func clip(_ gradients: UnsafeMutablePointer<Float>, team: ThreadTeam) -> Double? {
    var found: Double?
    if let limit = settings.norm {
      let norm = norm(gradients, team: team)
      // PyTorch's margin.
      let factor = Float(limit / (norm + 1e-6))
      if factor < 1 {
        team.run(count: blocks.count) { index, _ in
          let (start, count) = blocks[index]
          tutti_scale(gradients + start, factor, count)
        }
      }
      found = norm
    }
    if let limit = settings.value {
      team.run(count: blocks.count) { index, _ in
        let (start, count) = blocks[index]
        tutti_clamp(gradients + start, Float(limit), count)
      }
    }
    return found
  }
}
