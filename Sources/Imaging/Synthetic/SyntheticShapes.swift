import HDF5
import Host

/// Images of one centred, turned shape each: rectangle, circle, triangle or ring, and the same with noise.
///
/// As DLSIA's `random_shapes`: sizes are fractions of the image, drawn uniformly; shapes are turned by any angle;
/// noise is uniform in 0 … `noise`. Image k is a pure function of the seed and k. Shapes are drawn where their voxels
/// lie, not turned as pixels.
public struct SyntheticShapes: Sendable, Hashable {
  /// The number of images.
  public var images: Int
  /// Pixels of an image along y and x.
  public var side: Int
  /// The largest value of the noise.
  public var noise: Double
  /// Another seed gives other images.
  public var seed: UInt64

  /// Names of the kinds of shape; a pixel's class is 0 outside and 1 + kind inside.
  public static let kinds = ["rectangle", "circle", "triangle", "ring"]

  /// - Parameters:
  ///   - images: as many of each kind as of the others, when a multiple of 4.
  ///   - side: pixels along y and x.
  public init(images: Int, side: Int = 64, noise: Double = 0.5, seed: UInt64 = 1) {
    precondition(images > 0 && side > 0, "images of some extent")
    self.images = images
    self.side = side
    self.noise = noise
    self.seed = seed
  }

  /// One image.
  public struct Image: Sendable, Hashable {
    /// The shape's kind, a place in `kinds`.
    public var kind: Int
    /// `[y, x]`, 1 within the shape.
    public var clean: [Float]
    /// `[y, x]`, with noise.
    public var noisy: [Float]
  }

  /// The image of this number.
  public func image(_ number: Int) -> Image {
    var stream = RandomStream(seed: seed, purpose: .synthetic, keys: UInt64(number))
    let kind = number % Self.kinds.count
    let (a, b, turn) = (stream.uniformDouble(), stream.uniformDouble(), 2 * stream.uniformDouble())
    let (sine, cosine) = (Elementary.sinPi(turn), Elementary.cosPi(turn))
    let size = Double(side)
    func isInside(_ y: Double, _ x: Double) -> Bool {
      let radius = (y * y + x * x).squareRoot()
      switch kind {
      case 0: return abs(x) < (0.10 + 0.10 * a) * size && abs(y) < (0.30 + 0.10 * b) * size
      case 1: return radius < (0.10 + 0.30 * a) * size
      case 2:
        let half = (0.10 + 0.25 * a) * size
        return abs(x) < half && abs(y) < half && x >= y
      default:
        let outer = (0.10 + 0.30 * a) * size
        return radius < outer && radius >= outer * (1 - (0.20 + 0.50 * b))
      }
    }
    var clean: [Float] = []
    clean.reserveCapacity(side * side)
    for row in 0..<side {
      for column in 0..<side {
        let (y, x) = (Double(row) - size / 2, Double(column) - size / 2)
        clean.append(isInside(cosine * y - sine * x, sine * y + cosine * x) ? 1 : 0)
      }
    }
    let noisy = clean.map { $0 + Float(noise) * stream.uniform() }
    return Image(kind: kind, clean: clean, noisy: noisy)
  }

  /// Writes all images: `/images` (noisy), `/clean`, `/labels` (of pixels), `/kinds` (of images) and `/some_kinds`,
  /// the same with 255 for half of the images, four in turn known and not known.
  ///
  /// - Throws: `HDF5Error` when the file exists and may not be replaced, or cannot be written.
  public func write(to path: String, overwriting: Bool) throws {
    let all = (0..<images).map(image)
    let file = try File(creating: path, overwriting: overwriting)
    let shape = [images, side, side]
    try file.write(all.flatMap(\.noisy), shape: shape, to: "images")
    try file.write(all.flatMap(\.clean), shape: shape, to: "clean")
    let labels = all.flatMap { image in image.clean.map { $0 > 0 ? UInt8(1 + image.kind) : 0 } }
    try file.write(labels, shape: shape, to: "labels")
    try file.write(all.map { UInt8($0.kind) }, to: "kinds")
    let some = all.enumerated().map { $0 / Self.kinds.count % 2 == 0 ? UInt8($1.kind) : Label.ignored }
    try file.write(some, to: "some_kinds")
    try file.setAttribute("kinds", Self.kinds)
    try file.setAttribute("seed", seed)
    try file.close()
  }
}
