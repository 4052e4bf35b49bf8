import Engine

/// Cross entropy of whatever classes there are: over the channels, when labels are of several, else of each channel by
/// itself.
struct ClassEntropy: Loss {
  /// The loss that uses it, for messages.
  var name: String
  var input: LossInput

  private var ofLabels: CrossEntropy { CrossEntropy(input: input) }
  private var ofChannels: BinaryCrossEntropy { BinaryCrossEntropy(input: input) }

  func width(channels: Int) -> Int { 2 }

  func check(target: TargetKind, channels: Int) throws(LossError) {
    try target.checkClasses(name, channels: channels)
  }

  func writeSums(_ sample: LossSample, to sums: UnsafeMutablePointer<Double>) {
    if isOfLabels(sample) { ofLabels.writeSums(sample, to: sums) } else { ofChannels.writeSums(sample, to: sums) }
  }

  func value(sums: UnsafePointer<Double>, channels: Int) -> Double { WeightedMean.value(sums) }

  func weight(sums: UnsafePointer<Double>, channels: Int) -> Double? { sums[1] }

  func derive(_ sample: LossSample, sums: UnsafePointer<Double>) {
    if isOfLabels(sample) { ofLabels.derive(sample, sums: sums) } else { ofChannels.derive(sample, sums: sums) }
  }

  private func isOfLabels(_ sample: LossSample) -> Bool { sample.target.kind.hasLabels && sample.output.channels > 1 }
}

extension LossSample {
  /// Phase one of a mean over all pixels and channels of a function of output and wanted probability.
  @inline(__always)
  func sumClassTerms(to sums: UnsafeMutablePointer<Double>, _ term: (_ output: Float, _ wanted: Float) -> Double) {
    let geometry = output.geometry
    var total = WeightedMean()
    for channel in 0..<output.channels {
      for row in 0..<geometry.rows {
        var part = WeightedMean()
        let x = output.row(row, channel: channel)
        for column in 0..<geometry.nx {
          let pixel = row * geometry.nx + column
          let mask = target.classMask(pixel)
          guard mask > 0 else { continue }
          let wanted = target.probability(pixel, channel: channel, of: output.channels)
          part.add(term(x[column], wanted), weight: Double(mask))
        }
        total += part
      }
    }
    total.write(to: sums)
  }

  /// Phase two of such a mean, from the function's derivative.
  @inline(__always)
  func deriveClassTerms(_ sums: UnsafePointer<Double>, _ derivative: (_ output: Float, _ wanted: Float) -> Float) {
    let geometry = output.geometry
    let scale = Float(WeightedMean.scale(sums))
    for channel in 0..<output.channels {
      for row in 0..<geometry.rows {
        let (x, g) = (output.row(row, channel: channel), gradient.row(row, channel: channel))
        for column in 0..<geometry.nx {
          let pixel = row * geometry.nx + column
          let mask = target.classMask(pixel)
          let wanted = target.probability(pixel, channel: channel, of: output.channels)
          g[column] = mask > 0 ? scale * mask * derivative(x[column], wanted) : 0
        }
      }
    }
  }
}
