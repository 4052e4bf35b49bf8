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
    forEachPlane(from: copy.ports) { source, target, _, _ in
      tutti_copy_rows(
        source.row, source.pitch, target.row, target.pitch, Int64(target.geometry.rows), Int32(target.geometry.nx),
        copy.factor, copy.accumulates)
    }
  }

  func backward(_ copy: Copy) {
    guard let gradient = copy.targetGradient, let sourceGradient = copy.sourceGradient else { return }
    foldHalo(gradient, border: copy.border)
    addPlanes(from: gradient, to: sourceGradient, factor: copy.factor)
  }
}
