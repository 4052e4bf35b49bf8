import CKernels
import Host

// Products by im2col and one matrix product a sample: strided and transposed convolutions, linear layers, deep layers
// of small planes. Every matrix product's shape is a function of the layer alone, since OpenBLAS gives other bits for
// other shapes.

extension Execution {
  /// A thread's scratch: columns of the wide space, then the narrow planes without pitch.
  private func scratch(_ product: Product, thread: Int) -> (
    columns: UnsafeMutablePointer<Float>, narrow: UnsafeMutablePointer<Float>
  ) {
    let base = scratch.pointer + thread * plan.sizes.scratchFloats
    return (base, base + product.wide.channels * product.taps * product.narrow.pixels)
  }

  func matrixForward(_ stage: Stage) {
    guard let product = stage.product else { return }
    team.run(count: samples) { sample, thread in
      let (columns, narrow) = scratch(product, thread: thread)
      let source = planes(stage.source, sample)
      let raw = planes(stage.raw, sample)
      if product.transposed {
        gather(source, narrow)
        columnsFromNarrow(product, narrow: narrow, columns: columns)
        for channel in 0..<raw.channels { fill(raw, channel, bias(product, channel)) }
        scatter(product, columns, raw)
      } else {
        im2col(product, source, columns)
        narrowFromColumns(product, columns: columns, narrow: narrow)
        spread(narrow, raw) { bias(product, $0) }
      }
    }
  }

  func matrixDataGradient(_ product: Product, _ gradient: Place, _ sourceGradient: Place) {
    team.run(count: samples) { sample, thread in
      let (columns, narrow) = scratch(product, thread: thread)
      let g = planes(gradient, sample)
      let target = planes(sourceGradient, sample)
      if product.transposed {
        im2col(product, g, columns)
        narrowFromColumns(product, columns: columns, narrow: narrow)
        let pixels = product.narrow.pixels
        for channel in 0..<target.channels {
          tutti_copy_rows(
            narrow + channel * pixels, target.geometry.nx, target.row(0, channel: channel), target.geometry.pitch,
            Int64(target.geometry.rows), Int32(target.geometry.nx), 1, true)
        }
      } else {
        gather(g, narrow)
        columnsFromNarrow(product, narrow: narrow, columns: columns)
        scatter(product, columns, target)
      }
    }
  }

  func matrixWeightGradient(
    _ product: Product, wide: FeaturePlanes, narrow planes: FeaturePlanes, result: UnsafeMutablePointer<Float>,
    accumulate: Bool, thread: Int
  ) {
    let (columns, narrow) = scratch(product, thread: thread)
    im2col(product, wide, columns)
    gather(planes, narrow)
    BLAS.gemm(
      transposeA: false, transposeB: true, m: product.narrow.channels, n: product.wide.channels * product.taps,
      k: product.narrow.pixels, alpha: 1, a: narrow, lda: product.narrow.pixels, b: columns,
      ldb: product.narrow.pixels, beta: accumulate ? 1 : 0, c: result, ldc: product.wide.channels * product.taps)
  }

  // MARK: Parts

  /// narrow = W · columns
  private func narrowFromColumns(
    _ product: Product, columns: UnsafePointer<Float>, narrow: UnsafeMutablePointer<Float>
  ) {
    let depth = product.wide.channels * product.taps
    if plan.purpose == .seamless {
      multiply(product, columns, channels: depth, by: product.narrow.channels, to: narrow)
      return
    }
    BLAS.gemm(
      transposeA: false, transposeB: false, m: product.narrow.channels, n: product.narrow.pixels, k: depth, alpha: 1,
      a: weights(product), lda: depth, b: columns, ldb: product.narrow.pixels, beta: 0,
      c: narrow, ldc: product.narrow.pixels)
  }

  /// columns = Wᵀ · narrow
  private func columnsFromNarrow(
    _ product: Product, narrow: UnsafePointer<Float>, columns: UnsafeMutablePointer<Float>
  ) {
    let depth = product.wide.channels * product.taps
    if plan.purpose == .seamless {
      multiply(product, narrow, channels: product.narrow.channels, by: depth, to: columns)
      return
    }
    BLAS.gemm(
      transposeA: true, transposeB: false, m: depth, n: product.narrow.pixels, k: product.narrow.channels, alpha: 1,
      a: weights(product), lda: depth, b: narrow, ldb: product.narrow.pixels, beta: 0,
      c: columns, ldc: product.narrow.pixels)
  }

  /// The same products by the direct kernels, whose sums do not depend on how many pixels there are: a 1×1 convolution
  /// of `[channel, pixel]`, some thousand pixels at a time.
  private func multiply(
    _ product: Product, _ source: UnsafePointer<Float>, channels: Int, by targets: Int,
    to target: UnsafeMutablePointer<Float>
  ) {
    let pixels = product.narrow.pixels
    var job = tutti_convolution()
    (job.source_channel_stride, job.source_channels) = (pixels, Int32(channels))
    (job.target_channel_stride, job.target_channels) = (pixels, Int32(targets))
    (job.source_rows, job.target_rows) = (1, 1)
    (job.z, job.y, job.x_shift) = (product.identity, product.identity, product.noShift)
    (job.z_taps, job.y_taps, job.x_taps) = (1, 1, 1)
    job.weights = UnsafePointer(packed.pointer + product.packed.offset)
    for first in stride(from: 0, to: pixels, by: 4096) {
      let count = min(4096, pixels - first)
      (job.source, job.target, job.width) = (source + first, target + first, Int32(count))
      (job.source_pitch, job.target_pitch) = (Int32(count), Int32(count))
      tutti_convolution_rows(&job, 0, 1)
    }
  }

  private func im2col(_ product: Product, _ wide: FeaturePlanes, _ columns: UnsafeMutablePointer<Float>) {
    tutti_im2col(
      wide.base, wide.geometry.channelStride, Int32(wide.geometry.ny), Int32(wide.geometry.pitch), product.z, product.y,
      product.x, Int32(product.zTaps), Int32(product.yTaps), Int32(product.xTaps), Int32(product.narrow.nz),
      Int32(product.narrow.ny), Int32(product.narrow.nx), 0, Int32(wide.channels), columns)
  }

  /// Adds columns to the wide planes.
  private func scatter(_ product: Product, _ columns: UnsafePointer<Float>, _ wide: FeaturePlanes) {
    tutti_col2im(
      columns, wide.base, wide.geometry.channelStride, Int32(wide.geometry.ny), Int32(wide.geometry.pitch), product.z,
      product.y, product.x, Int32(product.zTaps), Int32(product.yTaps), Int32(product.xTaps),
      Int32(product.narrow.nz), Int32(product.narrow.ny), Int32(product.narrow.nx), 0, Int32(wide.channels))
  }

  /// Planes to a matrix without pitch.
  private func gather(_ planes: FeaturePlanes, _ matrix: UnsafeMutablePointer<Float>) {
    let geometry = planes.geometry
    for channel in 0..<planes.channels {
      tutti_copy_rows(
        planes.row(0, channel: channel), geometry.pitch, matrix + channel * geometry.pixels, geometry.nx,
        Int64(geometry.rows), Int32(geometry.nx), 1, false)
    }
  }

  /// A matrix without pitch to planes, with a constant added to each channel.
  private func spread(_ matrix: UnsafePointer<Float>, _ planes: FeaturePlanes, _ constant: (Int) -> Float) {
    let geometry = planes.geometry
    for channel in 0..<planes.channels {
      tutti_affine_activation(
        matrix + channel * geometry.pixels, geometry.nx, planes.row(0, channel: channel), geometry.pitch,
        Int64(geometry.rows), Int32(geometry.nx), 1, 0, constant(channel), TUTTI_IDENTITY, 0, TUTTI_ZEROS, 0)
    }
  }

  private func bias(_ product: Product, _ channel: Int) -> Float {
    product.bias.map { parameters.pointer[$0.offset + channel] } ?? 0
  }

  private func fill(_ planes: FeaturePlanes, _ channel: Int, _ value: Float) {
    for row in 0..<planes.geometry.rows {
      planes.row(row, channel: channel).update(repeating: value, count: planes.geometry.nx)
    }
  }
}
