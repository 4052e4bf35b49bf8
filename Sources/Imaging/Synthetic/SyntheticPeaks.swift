import HDF5
import Host

/// Images of Gaussian peaks in Gaussian noise, in 2-D as a stack or in 3-D as one volume.
///
/// As DLSIA's `noisy_gauss`: a clean image is Σ a·exp(−r² ÷ 2σ²) over its peaks, each with an amplitude a of `signal`
/// times the noise's standard deviation, which is 1. Image k is a pure function of the settings and k.
public struct SyntheticPeaks: Sendable, Hashable {
  /// The number of images.
  public var images: Int
  /// One image's extents; z is 1 of a stack.
  public var extents: Extents
  /// Peaks of an image.
  public var peaks: Int
  /// A peak's standard deviation in pixels, along every axis.
  public var sigma: Double
  /// Between which a peak's amplitude is drawn, in standard deviations of the noise.
  public var signal: ClosedRange<Double>
  /// A pixel is labelled 1 up to so many `sigma` from a peak's centre.
  public var radius: Double
  /// Another seed gives other images.
  public var seed: UInt64

  /// - Parameters:
  ///   - images: 1 of a volume.
  ///   - extents: those of a stack's image, or of the volume.
  public init(
    images: Int, extents: Extents, peaks: Int = 8, sigma: Double = 1.26, signal: ClosedRange<Double> = 3...3,
    radius: Double = 1, seed: UInt64 = 1
  ) {
    precondition(images > 0 && extents.count > 0 && peaks > 0 && sigma > 0, "peaks in images of some extent")
    precondition(extents.z == 1 || images == 1, "one volume")
    self.images = images
    self.extents = extents
    self.peaks = peaks
    self.sigma = sigma
    self.signal = signal
    self.radius = radius
    self.seed = seed
  }

  /// One image, `[z, y, x]`.
  public struct Image: Sendable, Hashable {
    /// The peaks without noise.
    public var clean: [Float]
    /// The same with noise.
    public var noisy: [Float]
    /// 1 near a peak.
    public var labels: [UInt8]
  }

  /// The image of this number.
  public func image(_ number: Int) -> Image {
    var stream = RandomStream(seed: seed, purpose: .synthetic, keys: UInt64(number), 1)
    var clean = [Float](repeating: 0, count: extents.count)
    var labels = [UInt8](repeating: 0, count: extents.count)
    // Beyond five standard deviations a peak is below the noise's last digit.
    let reach = 5 * sigma
    func range(_ center: Double, _ extent: Int) -> Range<Int> {
      max(0, Int((center - reach).rounded(.up)))..<min(extent, Int((center + reach).rounded(.down)) + 1)
    }
    for _ in 0..<peaks {
      let (u, v, w) = (stream.uniformDouble(), stream.uniformDouble(), stream.uniformDouble())
      let amplitude = signal.lowerBound + (signal.upperBound - signal.lowerBound) * stream.uniformDouble()
      let center = (
        z: extents.z > 1 ? u * Double(extents.z - 1) : 0, y: v * Double(extents.y - 1), x: w * Double(extents.x - 1)
      )
      for z in range(center.z, extents.z) {
        for y in range(center.y, extents.y) {
          for x in range(center.x, extents.x) {
            let (dz, dy, dx) = (Double(z) - center.z, Double(y) - center.y, Double(x) - center.x)
            let distance = (dz * dz + dy * dy + dx * dx) / (sigma * sigma)
            let pixel = (z * extents.y + y) * extents.x + x
            clean[pixel] += Float(amplitude * Elementary.exp(-distance / 2))
            if distance <= radius * radius { labels[pixel] = 1 }
          }
        }
      }
    }
    let noisy = clean.map { $0 + Float(stream.normal()) }
    return Image(clean: clean, noisy: noisy, labels: labels)
  }

  /// Writes all images: `/images` (noisy), `/clean` and `/labels`, `[image, y, x]`, or `[z, y, x]` of a volume.
  ///
  /// - Throws: `HDF5Error` when the file exists and may not be replaced, or cannot be written.
  public func write(to path: String, overwriting: Bool) throws {
    let all = (0..<images).map(image)
    let file = try File(creating: path, overwriting: overwriting)
    let shape = [extents.z > 1 ? extents.z : images, extents.y, extents.x]
    try file.write(all.flatMap(\.noisy), shape: shape, to: "images")
    try file.write(all.flatMap(\.clean), shape: shape, to: "clean")
    try file.write(all.flatMap(\.labels), shape: shape, to: "labels")
    try file.setAttribute("seed", seed)
    try file.close()
  }
}
