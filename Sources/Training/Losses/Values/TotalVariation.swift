import CKernels
import Engine
import Settings

/// The sum of the absolute differences of neighbouring pixels along every axis (anisotropic total variation; Rudin,
/// Osher and Fatemi, doi:10.1016/0167-2789(92)90242-F), over the channels, divided by the batch's pixels. A term of a
/// sum, which compares with nothing.
public struct TotalVariation: NamedLoss {
  public static let name = "total-variation"
  public static let meaning =
    "the sum of |differences| of neighbouring pixels of the output; as a small part of a sum it smooths"
  public static let settings: [Setting<Self>] = [
    Setting("of", \.of, noun: "subject", "of which the variation is taken"),
    Setting("weights", \.weights, .weights, otherwise: "all alike", "a weight for each class or channel"),
  ]

  /// What is smoothed.
  public enum Subject: String, SettingConvertible, Hashable, CaseIterable {
    /// The network's output as it is.
    case output
    /// Its softmax, or with one channel its sigmoid.
    case probabilities
  }

  /// What is smoothed.
  public var of: Subject
  /// A weight for each channel; none gives each 1.
  public var weights: [Double]?

  public init() { self.init(of: .output) }

  /// The total variation of the output or of its probabilities.
  public init(of subject: Subject = .output, weights: [Double]? = nil) {
    self.of = subject
    self.weights = weights
  }

  public func width(channels: Int) -> Int { 2 }

  public func check(target: TargetKind, channels: Int) throws(LossError) {
    if let weights, weights.count != channels {
      throw .weights(loss: Self.name, weights: weights.count, classes: channels)
    }
  }

  public func writeSums(_ sample: LossSample, to sums: UnsafeMutablePointer<Double>) {
    let planes = of == .output ? sample.output : sample.gradient
    if let link = link(channels: planes.channels) { link.write(sample.output, to: planes) }
    let geometry = planes.geometry
    var total = 0.0
    for channel in 0..<planes.channels {
      let weight = weights?[channel] ?? 1
      for row in 0..<geometry.rows {
        var sum = 0.0
        forEachNeighbor(of: row, in: geometry) { nextRow, shift, count in
          let (here, next) = (planes.row(row, channel: channel), planes.row(nextRow, channel: channel) + shift)
          for x in 0..<count { sum += Double(abs(next[x] - here[x])) }
        }
        total += weight * sum
      }
    }
    sums[0] = total
    sums[1] = Double(geometry.pixels)
  }

  public func value(sums: UnsafePointer<Double>, channels: Int) -> Double { WeightedMean.value(sums) }

  public func weight(sums: UnsafePointer<Double>, channels: Int) -> Double? { sums[1] }

  public var scratchPlanes: Int { of == .output ? 0 : 1 }

  public func derive(_ sample: LossSample, sums: UnsafePointer<Double>) {
    let g = sample.gradient
    let planes = of == .output ? sample.output : sample.scratch(0)
    let link = link(channels: g.channels)
    link?.write(sample.output, to: planes)
    let geometry = g.geometry
    g.map(g) { _ in 0 }
    for channel in 0..<g.channels {
      let step = Float((weights?[channel] ?? 1) * WeightedMean.scale(sums))
      for row in 0..<geometry.rows {
        forEachNeighbor(of: row, in: geometry) { nextRow, shift, count in
          let (here, next) = (planes.row(row, channel: channel), planes.row(nextRow, channel: channel) + shift)
          let (slopes, nextSlopes) = (g.row(row, channel: channel), g.row(nextRow, channel: channel) + shift)
          for x in 0..<count {
            let slope = next[x] > here[x] ? step : next[x] < here[x] ? -step : 0
            nextSlopes[x] += slope
            slopes[x] -= slope
          }
        }
      }
    }
    switch link {
    case .softmax?:
      let (stride, pitch) = (geometry.channelStride, geometry.pitch)
      tutti_softmax_gradient(
        planes.base, stride, pitch, g.base, stride, pitch, g.base, stride, pitch, Int32(g.channels),
        Int64(geometry.rows), Int32(geometry.nx), false, false)
    case .sigmoid?:
      for row in 0..<geometry.rows {
        let (p, slopes) = (planes.row(row, channel: 0), g.row(row, channel: 0))
        for x in 0..<geometry.nx { slopes[x] *= p[x] * (1 - p[x]) }
      }
    default: break
    }
  }

  private func link(channels: Int) -> Link? { of == .output ? nil : channels > 1 ? .softmax : .sigmoid }

  /// The rows whose pixels are the next neighbours of a row's, itself among them, one pixel further.
  @inline(__always)
  private func forEachNeighbor(
    of row: Int, in geometry: PlaneGeometry, _ body: (_ row: Int, _ shift: Int, _ count: Int) -> Void
  ) {
    body(row, 1, geometry.nx - 1)
    if row % geometry.ny < geometry.ny - 1 { body(row + 1, 0, geometry.nx) }
    if row / geometry.ny < geometry.nz - 1 { body(row + geometry.ny, 0, geometry.nx) }
  }
}
