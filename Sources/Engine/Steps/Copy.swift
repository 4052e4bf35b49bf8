import CKernels

/// A copy of a value that is an input of two concatenations, or whose consumers differ in their padding; or one term of
/// a sum, of which the last one alone fills the halo.
struct Copy: Ported {
  var ports: Ports
  var factor: Float
  /// Whether the target holds earlier terms.
  var accumulates: Bool
}

extension Execution {
  func forward(_ copy: Copy) {
    forEachPlane(copy.target) { target, geometry, sample, channel in
      let source = planes(copy.source, sample)
      tutti_copy_rows(
        source.row(0, channel: channel), source.geometry.pitch, target, geometry.pitch, Int64(geometry.rows),
        Int32(geometry.nx), copy.factor, copy.accumulates)
      fillHalo(planes(copy.target, sample), channel, copy.border)
    }
  }

  func backward(_ copy: Copy) {
    guard let gradient = copy.targetGradient, let sourceGradient = copy.sourceGradient else { return }
    foldHalo(gradient, border: copy.border)
    addPlanes(from: gradient, to: sourceGradient, factor: copy.factor)
  }
}
