import Networks

extension PlanCompiler {
  /// How a group's source is recomputed; nil when it is stored.
  mutating func makeRecomputedSource(_ group: [Draft]) -> RecomputedSource? {
    let source = group[0].source
    guard recomputedFrom[source] != nil else { return nil }
    let whole = geometry(source, halo: halos[root(source).value]?.width ?? 0)
    let bytes = 4 * whole.pitch
    let products = group.compactMap(\.product)
    let margin = products.map { reachedRows($0, planeRows: whole.ny) }.max() ?? 0
    // Circular padding reads rows from the other end of the image.
    let wraps = products.map(axes).contains { axes in
      axes[1].mode == .circular && axes.contains { $0.padding > 0 }
    }
    // As many rows as leave room for two channels, since each piece recomputes the rows around it.
    let fitting = Self.cached / 2 / bytes
    let bands = fitting >= whole.rows ? whole.bands : max(StageGroup.denseBands, (fitting - margin) / whole.bandRows)
    let piece = min(whole.rows, bands * whole.bandRows)
    let pieceAndMargin = wraps ? whole.rows : min(whole.rows, piece + margin)
    func held(channels: Int, rows: Int) -> PlaneGeometry {
      PlaneGeometry(
        channels: min(channels, whole.channels), nz: whole.nz, ny: whole.ny, nx: whole.nx, halo: whole.halo,
        heldRows: rows)
    }
    let block = RecomputedSource.blockChannels
    let parts = (3 * block * bytes * whole.bandRows + Self.cached - 1) / Self.cached
    let recomputed = RecomputedSource(
      rows: held(channels: max(1, Self.cached / (bytes * pieceAndMargin)), rows: pieceAndMargin),
      planes: held(channels: block, rows: whole.rows), border: border(source), pieceRows: piece,
      gradientRows: (whole.bandRows + parts - 1) / parts)
    requireScratch(max(recomputed.rows.sampleStride, training ? recomputed.planes.sampleStride : 0))
    return recomputed
  }
}
