import CKernels

/// A tensor that stands in two stacks, or whose readers disagree on padding, is copied. A sum is a sequence of copies that add up.
struct Copy {
  var source: Place
  var sourceGradient: Place?
  var target: Place
  var targetGradient: Place?
  var factor: Float
  /// Whether the target holds earlier terms.
  var accumulates: Bool
  /// No halo but for the last term.
  var border: Border
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
