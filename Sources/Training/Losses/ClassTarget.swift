import CKernels
import Engine
import Host
import Settings

// What all losses of classes share: probabilities from the output, and the wanted ones from labels or values.

/// What the output of a network holds, for losses that compare with classes.
public enum LossInput: String, SettingConvertible, Hashable, CaseIterable {
  /// Logits: of classes that exclude each other (labels, several channels) by softmax, else channel by channel by the
  /// sigmoid.
  case logits
  /// Probabilities already, by a final activation.
  case probabilities
}

/// How an output becomes probabilities.
enum Link {
  case softmax, sigmoid, identity

  init(_ input: LossInput, target: TargetKind, channels: Int) {
    self =
      switch input {
      case .probabilities: .identity
      case .logits: target.hasLabels && channels > 1 ? .softmax : .sigmoid
      }
  }

  /// Writes the probabilities; `y` may be `x`.
  func write(_ x: FeaturePlanes, to y: FeaturePlanes) {
    switch self {
    case .softmax: Training.softmax(x, y, logarithm: false)
    case .sigmoid: y.map(x) { Training.sigmoid($0) }
    case .identity: y.map(x) { $0 }
    }
  }
}

/// The softmax of planes over their channels, or its logarithm; `y` may be `x`.
func softmax(_ x: FeaturePlanes, _ y: FeaturePlanes, logarithm: Bool) {
  tutti_softmax(
    x.base, x.geometry.channelStride, x.geometry.pitch, y.base, y.geometry.channelStride, y.geometry.pitch,
    Int32(x.channels), Int64(x.geometry.rows), Int32(x.geometry.nx), logarithm)
}

@inline(__always)
func sigmoid(_ x: Float) -> Float {
  let small = Elementary.exp(-abs(x))
  return x >= 0 ? 1 / (1 + small) : small / (1 + small)
}

extension FeaturePlanes {
  /// Writes a function of every pixel of planes of the same extents.
  @inline(__always)
  func map(_ source: FeaturePlanes, _ function: (Float) -> Float) {
    for channel in 0..<channels {
      for row in 0..<geometry.rows {
        let (to, from) = (self.row(row, channel: channel), source.row(row, channel: channel))
        for x in 0..<geometry.nx { to[x] = function(from[x]) }
      }
    }
  }

  /// Multiplies all pixels.
  func scale(by factor: Float) {
    for channel in 0..<channels {
      let plane = row(0, channel: channel)
      tutti_copy_rows(
        plane, geometry.pitch, plane, geometry.pitch, Int64(geometry.rows), Int32(geometry.nx), factor, false)
    }
  }
}

extension Target {
  /// How much a pixel counts for losses of values.
  @inline(__always)
  func mask(_ pixel: Int) -> Float { kind.hasWeights ? weights[pixel] : 1 }

  /// How much a pixel counts for losses of classes: not at all where the label is ignored.
  @inline(__always)
  func classMask(_ pixel: Int) -> Float {
    kind.hasLabels && labels[pixel] == Label.ignored ? 0 : mask(pixel)
  }

  /// The probability that a channel should have: of a label 0 or 1, of one output channel the label itself; without
  /// labels the value.
  @inline(__always)
  func probability(_ pixel: Int, channel: Int, of channels: Int) -> Float {
    kind.hasLabels
      ? (Int(labels[pixel]) == (channels == 1 ? 1 : channel) ? 1 : 0) : values[channel * pixels + pixel]
  }
}

extension TargetKind {
  /// Refuses targets that do not say the probability of every channel.
  func checkClasses(_ loss: String, channels: Int, weights: [Double]? = nil) throws(LossError) {
    if !hasLabels {
      guard self.channels > 0 else { throw .needsLabels(loss: loss) }
      guard self.channels == channels else {
        throw .channels(loss: loss, output: channels, target: self.channels)
      }
    }
    let classes = max(channels, hasLabels ? 2 : 1)
    if let weights, weights.count != classes {
      throw .weights(loss: loss, weights: weights.count, classes: classes)
    }
  }

  /// Refuses targets that do not have a value for every channel.
  func checkValues(_ loss: String, channels: Int) throws(LossError) {
    guard self.channels > 0 else { throw .needsValues(loss: loss) }
    guard self.channels == channels else {
      throw .channels(loss: loss, output: channels, target: self.channels)
    }
  }
}

/// A sum of terms and of their weights, row by row.
struct WeightedMean {
  var sum = 0.0
  var weight = 0.0

  @inline(__always)
  mutating func add(_ value: Double, weight: Double) {
    sum += weight * value
    self.weight += weight
  }

  static func += (left: inout WeightedMean, right: WeightedMean) {
    left.sum += right.sum
    left.weight += right.weight
  }

  func write(to sums: UnsafeMutablePointer<Double>) {
    sums[0] = sum
    sums[1] = weight
  }

  /// The mean of what `write` wrote, added up; 0 when nothing counts.
  static func value(_ sums: UnsafePointer<Double>) -> Double { sums[1] > 0 ? sums[0] / sums[1] : 0 }

  /// What a term's derivative is multiplied by.
  static func scale(_ sums: UnsafePointer<Double>) -> Double { sums[1] > 0 ? 1 / sums[1] : 0 }
}
