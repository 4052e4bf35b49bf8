import Host

/// The same values in the same order with other extents.
struct Reshape: Ported {
  var ports: Ports
}

extension Execution {
  func forward(_ reshape: Reshape) {
    team.run(count: samples) { sample, _ in
      let target = planes(reshape.target, sample)
      copyRuns(from: planes(reshape.source, sample), to: target, accumulate: false)
      for channel in 0..<target.channels { fillHalo(target, channel, reshape.border) }
    }
  }

  func backward(_ reshape: Reshape) {
    guard let gradient = reshape.targetGradient, let sourceGradient = reshape.sourceGradient else { return }
    foldHalo(gradient, border: reshape.border)
    team.run(count: samples) { sample, _ in
      copyRuns(from: planes(gradient, sample), to: planes(sourceGradient, sample), accumulate: true)
    }
  }

  /// Copies or adds values in the order (channel, z, y, x), as many at a time as are contiguous in both.
  private func copyRuns(from source: FeaturePlanes, to target: FeaturePlanes, accumulate: Bool) {
    var (from, to) = (Cursor(), Cursor())
    var left = source.channels * source.geometry.pixels
    while left > 0 {
      let count = min(source.geometry.nx - from.x, target.geometry.nx - to.x)
      let (a, b) = (from.pointer(source), to.pointer(target))
      if accumulate {
        for index in 0..<count { b[index] += a[index] }
      } else {
        b.update(from: a, count: count)
      }
      from.advance(count, source.geometry)
      to.advance(count, target.geometry)
      left -= count
    }
  }

  /// A place in planes.
  private struct Cursor {
    var channel = 0
    var row = 0
    var x = 0

    func pointer(_ planes: FeaturePlanes) -> UnsafeMutablePointer<Float> { planes.row(row, channel: channel) + x }

    mutating func advance(_ count: Int, _ geometry: PlaneGeometry) {
      x += count
      guard x == geometry.nx else { return }
      x = 0
      row += 1
      guard row == geometry.rows else { return }
      row = 0
      channel += 1
    }
  }
}
