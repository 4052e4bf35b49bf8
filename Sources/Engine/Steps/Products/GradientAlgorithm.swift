import CKernels

/// How the gradient of a product's weights is computed. Depends on its shape alone.
package enum GradientAlgorithm {
  /// Kernels whose vector lanes are pixels of a row.
  case rows
  /// Minimal filtering along y, pixels in lanes, together with other products of the group (`FilterSet`).
  case filtering
  /// Kernels whose lanes are channels of the narrow space.
  case channels
  /// Winograd's minimal filtering, channels of the narrow space in lanes.
  case winograd
  /// im2col and one matrix product a sample.
  case matrix

  /// Whether weights are computed piece by piece, with all shards of a piece before the next.
  var isByPieces: Bool { self == .channels || self == .winograd }

  /// The fastest as measured (docs/decisions/003-weight-gradients.md): lanes are channels where these fill most of a
  /// vector of 16.
  ///
  /// - Parameters:
  ///   - channels: of the narrow space.
  ///   - axes: z, y, x, from the wide space to the narrow one.
  package init(channels: Int, axes: [AxisConvolution]) {
    let isLinear = axes.allSatisfy { $0.target == 1 && $0.kernel == $0.source }
    let readsHalo = axes[2].padding > 0 && axes[2].stride != 1
    let rowTaps = axes[0].kernel * axes[1].kernel
    if channels >= 12, !isLinear, !readsHalo, rowTaps <= TUTTI_CHANNEL_ROW_TAPS, axes[2].stride <= TUTTI_CHANNEL_X_STEP
    {
      self = .channels
    } else {
      self = axes[2].stride == 1 && !isLinear ? .rows : .matrix
    }
  }
}
