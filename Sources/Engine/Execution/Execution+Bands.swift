import Host

extension Execution {
  /// Rows of one sample that stay in cache while a stage's operations follow each other.
  struct Band {
    var sample: Int
    var index: Int
    var first: Int
    var last: Int
    var rows: Int64 { Int64(last - first) }
  }

  /// Calls `body` on all threads with every band of every sample.
  func forEachBand(_ geometry: PlaneGeometry, _ body: (Band) -> Void) {
    let bands = geometry.bands
    team.run(count: samples * bands) { piece, _ in
      let (sample, index) = piece.quotientAndRemainder(dividingBy: bands)
      body(band(index, of: geometry, sample))
    }
  }

  @inline(__always)
  private func band(_ index: Int, of geometry: PlaneGeometry, _ sample: Int) -> Band {
    let first = index * geometry.bandRows
    return Band(sample: sample, index: index, first: first, last: min(geometry.rows, first + geometry.bandRows))
  }

  /// Calls `body` with the bands of some rows of one sample, in order.
  @inline(__always)
  func forEachBand(of geometry: PlaneGeometry, _ rows: Range<Int>, _ sample: Int, _ body: (Band) -> Void) {
    for index in rows.lowerBound / geometry.bandRows..<(rows.upperBound - 1) / geometry.bandRows + 1 {
      body(band(index, of: geometry, sample))
    }
  }

  /// Calls `body` with parts of a band of `rows` rows each, in order.
  @inline(__always)
  func forEachPart(of band: Band, rows: Int, _ body: (Range<Int>) -> Void) {
    var first = band.first
    while first < band.last {
      let last = min(band.last, first + rows)
      body(first..<last)
      first = last
    }
  }

  /// Calls `body` on all threads with pieces of every sample's rows. Pieces are smaller than `most` where threads would
  /// be idle; this changes no result, since nothing is summed over pieces.
  ///
  /// - Parameters:
  ///   - most: the most rows of a piece.
  ///   - unit: the rows of a piece are a multiple of this.
  ///   - each: the fewest pieces for each thread.
  func forEachPiece(
    _ geometry: PlaneGeometry, rows most: Int, multipleOf unit: Int, each: Int = 1,
    _ body: (_ sample: Int, _ rows: Range<Int>, _ thread: Int) -> Void
  ) {
    let wanted = max(1, (each * team.size + samples - 1) / max(1, samples))
    let rows = min(most, roundUp((geometry.rows + wanted - 1) / wanted, to: unit))
    let pieces = (geometry.rows + rows - 1) / rows
    team.run(count: samples * pieces) { piece, thread in
      let (sample, index) = piece.quotientAndRemainder(dividingBy: pieces)
      body(sample, index * rows..<min(geometry.rows, (index + 1) * rows), thread)
    }
  }
}
