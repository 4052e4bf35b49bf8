import CHDF5

/// Dimension scales: one-dimensional datasets that give coordinates for an axis of another dataset, as netCDF, h5py
/// and xarray read them.
extension Dataset {
  /// Makes this dataset a scale, which can be attached to axes (`H5DSset_scale`).
  ///
  /// - Throws: `HDF5Error` when the library cannot.
  public func makeScale(_ name: String) throws {
    try object.use { raw in
      _ = try object.place.check(H5DSset_scale(raw, name), "H5DSset_scale", "make it a dimension scale")
    }
  }

  /// Whether this dataset is a dimension scale.
  ///
  /// - Throws: `HDF5Error` when the file is closed.
  public var isScale: Bool {
    get throws { try object.use { try object.place.check(H5DSis_scale($0), "H5DSis_scale", "look at it") > 0 } }
  }

  /// Attaches a scale to an axis (`H5DSattach_scale`).
  ///
  /// - Throws: `HDF5Error` of kind `wrongShape` when there is no such axis, or when the library cannot.
  public func attach(_ scale: Dataset, toAxis axis: Int) throws {
    try object.use { raw in
      try checkAxis(axis)
      let code = H5DSattach_scale(raw, scale.object.identifier.raw, UInt32(axis))
      try object.place.check(code, "H5DSattach_scale", "attach \(scale.path) to axis \(axis)")
    }
  }

  /// The paths of the scales of an axis, in the order they were attached.
  ///
  /// - Throws: `HDF5Error` of kind `wrongShape` when there is no such axis.
  public func scales(ofAxis axis: Int) throws -> [String] {
    try object.use { raw in
      try checkAxis(axis)
      final class Paths { var all: [String] = [] }
      let paths = Paths()
      let code = withExtendedLifetime(paths) {
        H5DSiterate_scales(
          raw, UInt32(axis), nil,
          { _, _, scale, data in
            guard let data else { return -1 }
            let length = H5Iget_name(scale, nil, 0)
            guard length >= 0 else { return -1 }
            var name = [CChar](repeating: 0, count: length + 1)
            guard H5Iget_name(scale, &name, name.count) >= 0 else { return -1 }
            let path = String(decoding: name.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
            Unmanaged<Paths>.fromOpaque(data).takeUnretainedValue().all.append(path)
            return 0
          }, Unmanaged.passUnretained(paths).toOpaque())
      }
      try object.place.check(code, "H5DSiterate_scales", "list the scales of axis \(axis)")
      return paths.all
    }
  }

  /// Names an axis (`H5DSset_label`).
  ///
  /// - Throws: `HDF5Error` of kind `wrongShape` when there is no such axis.
  public func setLabel(_ label: String, ofAxis axis: Int) throws {
    try object.use { raw in
      try checkAxis(axis)
      try object.place.check(H5DSset_label(raw, UInt32(axis), label), "H5DSset_label", "name axis \(axis)")
    }
  }

  /// The name of an axis; empty when it has none.
  ///
  /// - Throws: `HDF5Error` of kind `wrongShape` when there is no such axis.
  public func label(ofAxis axis: Int) throws -> String {
    try object.use { raw in
      try checkAxis(axis)
      let place = object.place
      let length = try place.check(H5DSget_label(raw, UInt32(axis), nil, 0), "H5DSget_label", "read an axis' name")
      var label = [CChar](repeating: 0, count: length + 1)
      let code = H5DSget_label(raw, UInt32(axis), &label, label.count)
      try place.check(code, "H5DSget_label", "read an axis' name")
      return String(decoding: label.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }

  private func checkAxis(_ axis: Int) throws {
    let shape = try shape
    guard shape.indices.contains(axis) else {
      throw object.place.error(.wrongShape, "there is no axis \(axis); the shape is \(shape)")
    }
  }
}
