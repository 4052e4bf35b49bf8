import CKernels

struct Resampling {
  var source: Place
  var sourceGradient: Place?
  var target: Place
  var targetGradient: Place?
  var z: tutti_resampling_axis
  var y: tutti_resampling_axis
  var x: tutti_resampling_axis
  var isLinear: Bool
  var border: Border
}

extension Execution {
  func forward(_ resampling: Resampling) {
    forEachPlane(resampling.target) { target, geometry, sample, channel in
      let source = planes(resampling.source, sample)
      tutti_resample(
        source.row(0, channel: channel), Int32(source.geometry.ny), source.geometry.pitch, target, geometry.pitch,
        Int32(geometry.nz), Int32(geometry.ny), Int32(geometry.nx), resampling.z, resampling.y, resampling.x,
        resampling.isLinear)
      fillHalo(planes(resampling.target, sample), channel, resampling.border)
    }
  }

  func backward(_ resampling: Resampling) {
    guard let gradient = resampling.targetGradient, let sourceGradient = resampling.sourceGradient else { return }
    foldHalo(gradient, border: resampling.border)
    forEachPlane(gradient) { g, geometry, sample, channel in
      let source = planes(sourceGradient, sample)
      tutti_resample_gradient(
        g, geometry.pitch, source.row(0, channel: channel), Int32(source.geometry.ny), source.geometry.pitch,
        Int32(geometry.nz), Int32(geometry.ny), Int32(geometry.nx), resampling.z, resampling.y, resampling.x,
        resampling.isLinear)
    }
  }
}
