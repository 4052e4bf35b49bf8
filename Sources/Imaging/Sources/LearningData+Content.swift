import Host
import ImageFiles

/// Hashes of what one part of a data set holds: equal for equal content, wherever its file lies and however it is
/// chunked.
public struct PartContent: Hashable, Sendable {
  /// Of the images' values.
  public var images: UInt64
  /// Of what is known of them: classes, target images, masks.
  public var targets: UInt64

  /// Hashes as read from a file.
  public init(images: UInt64, targets: UInt64) { (self.images, self.targets) = (images, targets) }

  /// Joins the hashes of all slices of a part, in the order of its regions.
  ///
  /// - Parameter slices: as `LearningData.hashes(of:_:)` gives them, piece after piece.
  public init(slices: some Sequence<UInt64>) {
    var (images, targets) = (ContentHash(), ContentHash())
    for (index, hash) in slices.enumerated() {
      if index.isMultiple(of: 2) { images.add(hash) } else { targets.add(hash) }
    }
    self.init(images: images.value, targets: targets.value)
  }
}

/// A 64-bit hash of words; not a cryptographic one.
///
/// A step is a bijection of the hash so far and spreads each bit of it over the lower half as well (the steps of
/// MurmurHash3's finalizer), so that changes of the highest bits, such as signs, do not cancel.
public struct ContentHash: Sendable {
  /// The hash of all words so far.
  public private(set) var value: UInt64 = 0x9e37_79b9_7f4a_7c15

  /// The hash of no words.
  public init() {}

  /// Adds a word.
  @inline(__always)
  public mutating func add(_ word: UInt64) {
    value = (value ^ word) &* 0xff51_afd7_ed55_8ccd
    value ^= value >> 32
  }

  /// Adds bytes, the last word filled with zeros.
  public mutating func add(_ bytes: UnsafeRawBufferPointer) {
    let whole = bytes.count / 8
    for index in 0..<whole { add(bytes.loadUnaligned(fromByteOffset: 8 * index, as: UInt64.self)) }
    guard whole * 8 < bytes.count else { return }
    var last: UInt64 = 0
    withUnsafeMutableBytes(of: &last) { $0.copyBytes(from: bytes[(8 * whole)...]) }
    add(last)
  }
}

extension LearningData {
  /// A run of slices of one region, which is read at once.
  public struct Piece: Hashable, Sendable {
    /// The region that it is of.
    public let region: Region
    let box: Box
  }

  /// The pieces of a part, in the order of its regions: what ranks divide among themselves.
  public func pieces(of part: Part) -> [Piece] {
    split[part].flatMap { region in
      region.box.slabs(depth: min(images.slabDepth, answers?.slabDepth ?? .max)).map { Piece(region: region, box: $0) }
    }
  }

  /// The most bytes that `hashes(of:_:)` takes for a piece of a part.
  public func hashingBytes(of part: Part) -> Int {
    let voxels = pieces(of: part).map(\.box.count).max() ?? 0
    func bytes(_ source: ImageSource) -> Int { source.channels * (source.isWide ? 8 : 4) }
    let labels = content.labels == .pixels ? (answers?.holdsSmallIntegers ?? true ? 4 : 8) + 1 : 0
    let targets = max(content.channels > 0 ? answers.map(bytes) ?? 0 : 0, labels + (content.hasWeights ? 4 : 0))
    return voxels * (max(bytes(images), targets) + (images.validity == nil ? 0 : 2))
  }

  /// The most bytes that `load` takes besides the region itself: numbers that are scaled before they are rounded, labels as
  /// they are read.
  public var loadingBytes: Int {
    let wide = images.isWide ? [Part.train, .validate].map(hashingBytes).max() ?? 0 : 0
    var labels = 0
    if content.labels == .pixels, let answers {
      let slice = answers.extents.y * answers.extents.x
      labels = answers.slabDepth(bytes: Self.labelBytes) * slice * (answers.holdsSmallIntegers ? 4 : 8)
    }
    return max(wide, labels, 8 << 20)
  }

  /// Bytes of unpacked chunks that stay in memory once a part has been read.
  public func cachedBytes(of part: Part) -> Int {
    let voxels = split[part].reduce(0) { $0 + $1.extents.count }
    return [images, answers, mask].reduce(0) { sum, source in
      // One file at a time is open.
      guard let source,
        source.parts.contains(where: { $0.array.facts.compression != nil && $0.array.facts.chunk != nil })
      else { return sum }
      let element = source.isWide ? 8 : source.holdsSmallIntegers ? 1 : 4
      return sum + min(ArrayFile.cacheBytes, element * source.channels * voxels)
    }
  }

  /// Two hashes for each slice of a piece: of the images' values as the file has them, and of what is known of them.
  ///
  /// - Throws: `HDF5Error`.
  /// - Complexity: O(*voxels*) time, memory for one piece.
  public func hashes(of piece: Piece, _ part: Part) throws -> [UInt64] {
    let (box, image) = (piece.box, piece.region.image)
    let slice = box.y.count * box.x.count
    // What is wrong in the data is told by who learns from them.
    var faults = Faults(target, preparation.labelMap)
    let (images, invalid) = try imageHashes(of: box, image: image)
    let answers = try answers.flatMap { source in
      try content.channels > 0 ? source.hashes(of: source.stored(box, ofImage: image), box) : nil
    }
    var labels: AlignedBuffer<UInt8>?
    switch content.labels {
    case .none: break
    case .pixels:
      let buffer = AlignedBuffer<UInt8>(count: box.count)
      try readLabels(of: box, image: image, part, into: buffer.buffer, invalid: invalid, &faults)
      labels = buffer
    case .image:
      let buffer = AlignedBuffer<UInt8>(count: 1)
      try readLabels(of: box, image: image, part, into: buffer.buffer, &faults)
      labels = buffer
    }
    var weights: AlignedBuffer<Float>?
    if content.hasWeights {
      let buffer = AlignedBuffer<Float>(count: box.count)
      try readWeights(of: box, image: image, part, into: buffer.buffer, invalid: invalid)
      weights = buffer
    }
    return box.z.indices.flatMap { z -> [UInt64] in
      var targets = ContentHash()
      if let answers { targets.add(answers[z - box.z.lowerBound]) }
      let first = (z - box.z.lowerBound) * slice
      if let labels {
        let all = UnsafeRawBufferPointer(labels.buffer)
        targets.add(labels.buffer.count > 1 ? UnsafeRawBufferPointer(rebasing: all[first..<first + slice]) : all)
      }
      if let weights {
        targets.add(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: weights.buffer[first..<first + slice])))
      }
      return [images[z - box.z.lowerBound], targets.value]
    }
  }

  /// The hashes of the images' slices, and where nothing was measured that nothing is learnt of.
  private func imageHashes(of box: Box, image: Int) throws -> (hashes: [UInt64], invalid: AlignedBuffer<UInt8>?) {
    let stored = try images.stored(box, ofImage: image)
    return (images.hashes(of: stored, box), hidesInvalid ? stored.invalid : nil)
  }
}

extension ImageSource {
  /// Runs of slices of a region that are read at once.
  public func slabs(of region: Region) -> [Box] { region.box.slabs(depth: slabDepth) }

  /// A hash for each slice of a box, of the values of all channels as the file has them, and of what a dataset says was
  /// measured.
  ///
  /// - Throws: `HDF5Error` or `ImageFileError` when the file cannot be read.
  public func hashes(of box: Box, image: Int) throws -> [UInt64] { hashes(of: try stored(box, ofImage: image), box) }

  /// A hash for each slice of a box, of the values of all channels as the file has them: 64-bit ones are not rounded.
  fileprivate func hashes(of stored: StoredBox, _ box: Box) -> [UInt64] {
    // Which values say that they were not measured is a setting, not content.
    let valid = validityArray == nil ? nil : stored.valid
    let slice = box.y.count * box.x.count
    func hashes<Scalar: BitwiseCopyable>(_ values: AlignedBuffer<Scalar>) -> [UInt64] {
      box.z.indices.map { z in
        var hash = ContentHash()
        for channel in 0..<channels {
          let first = (channel * box.z.count + z - box.z.lowerBound) * slice
          hash.add(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: values.buffer[first..<first + slice])))
        }
        if let valid {
          let first = (z - box.z.lowerBound) * slice
          hash.add(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: valid.buffer[first..<first + slice])))
        }
        return hash.value
      }
    }
    switch stored.values {
    case .narrow(let values): return hashes(values)
    case .wide(let values): return hashes(values)
    }
  }
}
