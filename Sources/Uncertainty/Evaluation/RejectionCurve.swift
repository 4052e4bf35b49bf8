import Foundation

/// The area under the curve of risk over the share that is kept (AURC; Geifman and El-Yaniv, arXiv 1705.08500): the mean risk
/// when what is least sure is rejected first, and what is equally sure in random order. NaN of an empty curve.
///
/// - Parameter curve: the share that is kept, rising, and the mean risk of what is kept.
func rejectionArea(_ curve: [(kept: Double, risk: Double)]) -> Double {
  var (area, kept, sum) = (0.0, 0.0, 0.0)
  for point in curve {
    // Within a class risks are spread evenly: their mean is (sum + slope · t) ÷ (kept + t).
    let (width, more) = (point.kept - kept, point.kept * point.risk - sum)
    let slope = more / width
    area += slope * width + (kept > 0 ? (sum - slope * kept) * log(point.kept / kept) : 0)
    (kept, sum) = (point.kept, point.kept * point.risk)
  }
  return curve.isEmpty ? .nan : area
}
