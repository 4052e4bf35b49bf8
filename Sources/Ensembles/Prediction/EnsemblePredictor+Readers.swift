import Imaging

extension EnsemblePredictor {
  /// Reads from a region in memory.
  public static func reader(of region: LearningRegion) -> Reader {
    let extents = region.region.extents
    return { box, pixels in
      precondition(Box(extents).contains(box), "a box outside its region")
      guard var target = pixels.baseAddress else { return }
      for channel in 0..<region.channels {
        for z in box.z {
          for y in box.y {
            let line = (channel * extents.z + z) * extents.y + y
            target.update(
              from: region.images.pointer + line * extents.x + box.x.lowerBound, count: box.x.count)
            target += box.x.count
          }
        }
      }
    }
  }

  /// Reads tile by tile from a file, so that a region need not fit in memory.
  ///
  /// The reader throws `HDF5Error`, or `EnsembleError.imageNotFinite`.
  public static func reader(of images: ImageSource, region: Region, scaling: IntensityScaling) -> Reader {
    { box, pixels in
      try images.read(
        box.moved(z: region.z.lowerBound), ofImage: region.image, scaledBy: scaling, into: pixels)
      // The sum of x · 0 is NaN when a value is not finite.
      guard pixels.reduce(0, { $0 + $1 * 0 }).isFinite else {
        throw EnsembleError.imageNotFinite(file: images.location.description, image: region.image, box: box)
      }
    }
  }
}
