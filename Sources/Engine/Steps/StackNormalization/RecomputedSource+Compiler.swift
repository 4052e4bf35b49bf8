extension PlanCompiler {
  /// Nil when the source of a group is there before it is read.
  mutating func madeSource(_ group: Range<Int>) -> MadeSource? {
    let source = drafts[group.lowerBound].source
    guard keptPlanes[source] != nil else { return nil }
    let whole = geometry(source, halo: halos[root(source).value]?.width ?? 0)
    let bytes = 4 * whole.pitch
    let (margin, wraps) = reachedRows(group, whole)
    // As many rows as leave room for two channels, since each piece makes the rows around it once more.
    let fitting = Self.cached / 2 / bytes
    let bands = fitting >= whole.rows ? whole.bands : max(StageGroup.denseBands, (fitting - margin) / whole.bandRows)
    let piece = min(whole.rows, bands * whole.bandRows)
    let held = wraps ? whole.rows : min(whole.rows, piece + margin)
    func room(channels: Int, rows: Int) -> PlaneGeometry {
      PlaneGeometry(
        channels: min(channels, whole.channels), nz: whole.nz, ny: whole.ny, nx: whole.nx, halo: whole.halo,
        heldRows: rows)
    }
    let parts = (3 * MadeSource.block * bytes * whole.bandRows + Self.cached - 1) / Self.cached
    let made = MadeSource(
      rows: room(channels: max(1, Self.cached / (bytes * held)), rows: held),
      planes: room(channels: MadeSource.block, rows: whole.rows), border: border(source), pieceRows: piece,
      gradientRows: (whole.bandRows + parts - 1) / parts)
    let floats = max(made.rows.sampleStride, training ? made.planes.sampleStride : 0)
    scratchFloats = max(scratchFloats, roundUp(floats, to: 16))
    return made
  }

  /// Rows that the taps of a group reach beyond those of a piece, above and below together; `wraps` when they reach around the image.
  private func reachedRows(_ group: Range<Int>, _ geometry: PlaneGeometry) -> (margin: Int, wraps: Bool) {
    var (margin, wraps) = (0, false)
    for index in group {
      guard case .stage(let product?, _, _, _) = drafts[index].kind else { continue }
      let axes = axes(product)
      margin = max(
        margin, (axes[0].kernel - 1) * axes[0].dilation * geometry.ny + (axes[1].kernel - 1) * axes[1].dilation)
      if axes[1].mode == .circular, axes.contains(where: { $0.padding > 0 }) { wraps = true }
    }
    return (margin, wraps)
  }
}
