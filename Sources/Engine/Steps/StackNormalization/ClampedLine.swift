import CKernels

/// A clamped line: slope · (clamp(x, low, high) − reference) + value.
extension tutti_line {
  static let identity = tutti_line(
    low: -.infinity, high: .infinity, reference: 0, slope: 1, value: 0)
  static let floats = 5

  /// The line after ReLU and normalization, scale · (relu(line) − mean) + shift.
  func normalized(scale: Float, mean: Float, shift: Float) -> tutti_line {
    var line = self
    if slope == 0 {
      line.value = max(value, 0)
    } else {
      // The line crosses 0 here; beyond it everything is 0.
      let zero = Float(Double(reference) - Double(value) / Double(slope))
      if slope > 0 ? zero >= high : zero <= low {
        (line.slope, line.value) = (0, 0)
      } else if slope > 0 ? zero > low : zero < high {
        if slope > 0 { line.low = zero } else { line.high = zero }
        (line.reference, line.value) = (zero, 0)
      }
    }
    line.slope *= scale
    line.value = Float(Double(scale) * (Double(line.value) - Double(mean)) + Double(shift))
    return line
  }
}
