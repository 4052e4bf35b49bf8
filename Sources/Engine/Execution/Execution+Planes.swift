import CKernels
import Host

extension Execution {
  func fillInputHalo() {
    let border = plan.inputBorder
    guard border.width > 0 else { return }
    forEachPlane(plan.input) { row, geometry, _, _ in
      tutti_fill_halo(
        row, Int64(geometry.rows), geometry.pitch, Int32(geometry.nx), border.padding, border.width)
    }
  }

  /// The planes of a sample at a place.
  @inline(__always)
  func planes(_ place: Place, _ sample: Int) -> FeaturePlanes {
    FeaturePlanes(
      base: address(place.buffer, sample) + place.geometry.lead + place.channel * place.geometry.channelStride,
      geometry: place.geometry, channels: place.channels)
  }

  @inline(__always)
  func address(_ buffer: BufferID, _ sample: Int) -> UnsafeMutablePointer<Float> {
    arena.pointer + sample * plan.arenaFloats + plan.buffers[buffer].offset
  }

  func zero(buffer: BufferID) {
    let floats = plan.buffers[buffer].floats
    team.run(count: samples) { sample, _ in
      address(buffer, sample).update(repeating: 0, count: floats)
    }
  }

  /// Calls `body` with every channel plane of every sample, on all threads.
  func forEachPlane(
    _ place: Place, _ body: (UnsafeMutablePointer<Float>, PlaneGeometry, _ sample: Int, _ channel: Int) -> Void
  ) {
    team.run(count: samples * place.channels) { piece, _ in
      let (sample, channel) = piece.quotientAndRemainder(dividingBy: place.channels)
      body(planes(place, sample).row(0, channel: channel), place.geometry, sample, channel)
    }
  }

  /// Calls `body` with every channel plane of a step's source and of its target, and fills the halo of the target.
  func forEachPlane(
    from ports: Ports,
    _ body: (_ source: ChannelPlane, _ target: ChannelPlane, _ sample: Int, _ channel: Int) -> Void
  ) {
    forEachPlane(ports.target) { target, geometry, sample, channel in
      let source = planes(ports.source, sample)
      body(
        ChannelPlane(row: source.row(0, channel: channel), geometry: source.geometry),
        ChannelPlane(row: target, geometry: geometry), sample, channel)
      fillHalo(planes(ports.target, sample), channel, ports.border)
    }
  }

  /// Calls `body` with every channel plane of the gradient of a step's target, its halo folded, and of that of its source;
  /// does nothing where one of them is not asked for.
  func forEachGradientPlane(
    of ports: Ports,
    _ body: (_ gradient: ChannelPlane, _ source: ChannelPlane, _ sample: Int, _ channel: Int) -> Void
  ) {
    guard let gradient = ports.targetGradient, let sourceGradient = ports.sourceGradient else { return }
    foldHalo(gradient, border: ports.border)
    forEachPlane(gradient) { g, geometry, sample, channel in
      let source = planes(sourceGradient, sample)
      body(
        ChannelPlane(row: g, geometry: geometry),
        ChannelPlane(row: source.row(0, channel: channel), geometry: source.geometry), sample, channel)
    }
  }

  func foldHalo(_ place: Place, border: Border) {
    guard border.folded > 0 else { return }
    forEachPlane(place) { row, geometry, _, _ in foldHalo(row, Int64(geometry.rows), geometry, border: border) }
  }

  /// Adds the halo of a gradient's rows to the pixels that padding copied it from, and leaves zeros in the halo.
  @inline(__always)
  func foldHalo(_ row: UnsafeMutablePointer<Float>, _ rows: Int64, _ geometry: PlaneGeometry, border: Border) {
    guard border.folded > 0 else { return }
    tutti_fold_halo(row, rows, geometry.pitch, Int32(geometry.nx), border.padding, Int32(border.folded))
  }

  func fillHalo(_ planes: FeaturePlanes, _ channel: Int, _ border: Border) {
    guard border.width > 0 else { return }
    tutti_fill_halo(
      planes.row(0, channel: channel), Int64(planes.geometry.rows), planes.geometry.pitch, Int32(planes.geometry.nx),
      border.padding, border.width)
  }

  /// Adds a gradient, times a factor, to another.
  func addPlanes(from gradient: Place, to sourceGradient: Place, factor: Float = 1) {
    forEachPlane(gradient) { g, geometry, sample, channel in
      let target = planes(sourceGradient, sample)
      tutti_copy_rows(
        g, geometry.pitch, target.row(0, channel: channel), target.geometry.pitch, Int64(geometry.rows),
        Int32(geometry.nx), factor, true)
    }
  }
}

/// The rows of one channel of a sample.
struct ChannelPlane {
  /// The first row.
  let row: UnsafeMutablePointer<Float>
  let geometry: PlaneGeometry
  /// Floats from a row to the next.
  var pitch: Int { geometry.pitch }
}
