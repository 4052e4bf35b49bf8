import Foundation
import Host
import ImageFiles
import Imaging
import Reports

/// What pictures show of a slice of the test part.
public enum PictureLayer: String, CaseIterable, Sendable {
  case image, truth, mean, spread
  /// Classes in a set, or the width of an interval.
  case size = "set-size"
  case errors
  /// What mean less spread keeps.
  case kept
  /// The objects that were told apart.
  case objects

  /// The heading above it.
  func title(hasClasses: Bool) -> String {
    switch self {
    case .image: "Image"
    case .truth: hasClasses ? "Labels" : "Truth"
    case .mean: hasClasses ? "Prediction" : "Mean"
    case .spread: "Spread"
    case .size: hasClasses ? "Set size" : "Interval width"
    case .errors: hasClasses ? "Errors" : "Error"
    case .kept: "Kept"
    case .objects: "Objects"
    }
  }
}

/// The layers of a slice as small colour pictures, and what was seen in it.
struct SlicePicture {
  /// One layer.
  struct Layer {
    var kind: PictureLayer
    var title: String
    /// What the colours mean.
    var legend: String
    /// Red, green and blue, `[y, x, colour]`.
    var pixels: [UInt8]

    /// A PNG file of it.
    func png(width: Int, height: Int) throws -> [UInt8] {
      let path = NSTemporaryDirectory() + "tutti-\(UUID().uuidString).png"
      defer { try? FileManager.default.removeItem(atPath: path) }
      try PNGFile.write(pixels, width: width, height: height, channels: 3, to: path)
      return Array(try Data(contentsOf: URL(fileURLWithPath: path)))
    }
  }

  let slice: TestBox
  let title: String
  let width: Int
  let height: Int
  var layers: [Layer] = []
  /// The share of wrong pixels, or the mean absolute error; NaN where nothing is known.
  var error = Double.nan
  /// Its mean.
  var spread = 0.0

  /// What was seen, in a sentence.
  func note(hasClasses: Bool) -> String {
    let error =
      !error.isFinite
      ? ""
      : hasClasses
        ? "\((1000 * error).rounded() / 10) % of its pixels are wrong; "
        : "mean absolute error \(TextTable.number(error)); "
    return error + "mean spread \(TextTable.number(spread))."
  }
}

/// The pixels of a slice that a small picture shows: every so many rows and columns.
struct PixelSample {
  let width: Int
  let height: Int
  /// Of each shown pixel its place in the slice.
  let places: [Int]

  /// - Parameter side: the most pixels along an axis.
  init(_ extents: Extents, side: Int) {
    let step = max(1, (max(extents.x, extents.y) + side - 1) / side)
    let (columns, rows) = (stride(from: 0, to: extents.x, by: step), stride(from: 0, to: extents.y, by: step))
    (width, height) = (Array(columns).count, Array(rows).count)
    places = rows.flatMap { y in columns.map { y * extents.x + $0 } }
  }

  /// The bytes of a colour for each shown pixel.
  func colours(_ colour: (_ pixel: Int) -> SIMD3<UInt8>) -> [UInt8] {
    var pixels: [UInt8] = []
    pixels.reserveCapacity(3 * places.count)
    for place in places {
      let colour = colour(place)
      pixels.append(colour.x)
      pixels.append(colour.y)
      pixels.append(colour.z)
    }
    return pixels
  }
}
