import Host
import ImageFiles
import Imaging

extension DataSurvey {
  /// Decides how the array of the images is read: by the axes that a file or the user names, by the shape of labels or
  /// targets, by how much neighbouring images are alike.
  mutating func findLayout(_ found: FoundArrays, _ request: Request) throws {
    let shape = found.shape
    guard (2...5).contains(shape.count), !shape.contains(0) else { throw ProposalError.shape(images.text, shape) }
    axes = request.axes
    let named = request.axes ?? found.axes.map { Self.slicesOfFiles($0) ?? $0 }
    var letters = named ?? Self.letters(of: shape, answer: answer?.shape)
    if named == nil, Self.mustSay(letters) { axes = letters }
    let location = ArrayLocation(images.text)
    func extent(_ letter: Character) -> Int {
      Array(letters).firstIndex(of: letter).flatMap { shape.indices.contains($0) ? shape[$0] : nil } ?? 1
    }
    if letters.count != shape.count { letters = Self.letters(of: shape, answer: nil) }
    let (outer, depth) = (max(extent("i"), extent("t")), extent("z"))
    let least = min(extent("y"), extent("x"))
    let many = outer > 1 ? outer : depth
    func looksDeep(_ count: Int) -> Bool { count >= 16 && count >= least / 8 }
    if outer > 1, depth > 1 {
      (layout, layoutReason) = (.volumes, "several 3-D images")
    } else if many > 1 {
      isAlike = try Self.areAlike(location, axes: axes)
      let isNamed = named != nil && depth > 1
      let isVolume = looksDeep(many) && (isNamed || isAlike) && task != .classification && task != .autoencoder
      layout = isVolume ? .volume : .stack
      layoutReason =
        isVolume
        ? isAlike ? "one 3-D image: neighbouring slices are alike" : "one 3-D image: the file names an axis z"
        : isAlike ? "2-D images: there are few slices" : "2-D images: neighbours are not alike"
    } else {
      layoutReason = "one 2-D image"
    }
    if let wanted = request.layout { (layout, layoutReason) = (wanted, "as was asked for") }
    let source = try ImageSource(location, layout: layout, axes: axes)
    (imageCount, channels, extents) = (source.imageCount, source.channels, source.extents)
    if !source.hasOneExtent {
      smallest = (0..<imageCount).map { source.extents(ofImage: $0) }.reduce(extents) {
        Extents(z: min($0.z, $1.z), y: min($0.y, $1.y), x: min($0.x, $1.x))
      }
    }
    guard min(extents.y, extents.x) >= 8 else { throw ProposalError.tooSmall(images.text, shape) }
    isUneven = try Self.areUneven(source)
    if let answer, answer.shape.count > 1 {
      let bare = answer.shape.filter { $0 > 1 }
      let own = ([imageCount] + [extents.z, extents.y, extents.x]).filter { $0 > 1 }
      let fits = bare == own || !task.hasClasses && bare.sorted().suffix(own.count) == own.sorted()[...]
      guard fits || axes != nil else {
        throw ProposalError.answerShape(answer.text, answer.shape, images: images.text, shape)
      }
    } else if let answer, answer.shape != [imageCount] {
      throw ProposalError.answerShape(answer.text, answer.shape, images: images.text, shape)
    }
  }

  /// The letters of axes that nobody names, by the shapes: channels are few, and are what labels lack.
  static func letters(of shape: [Int], answer: [Int]?) -> String {
    let few = 4
    switch shape.count {
    case 2: return "yx"
    case 3:
      if answer == Array(shape.dropLast()) || answer == nil && shape[2] <= few && shape[0] > few { return "yxc" }
      if answer == Array(shape.dropFirst()) { return "cyx" }
      return "iyx"
    case 4:
      if answer == shape { return "izyx" }
      if answer == Array(shape.dropFirst()), answer?.count == 3 { return "czyx" }
      if answer == Array(shape.dropLast()) { return "iyxc" }
      if answer == [shape[0]] + shape[2...] { return "icyx" }
      return shape[3] <= few ? "iyxc" : shape[1] <= few ? "icyx" : shape[0] <= few ? "czyx" : "izyx"
    default: return shape[4] <= few ? "izyxc" : "iczyx"
    }
  }

  /// Pages of several files, which do not say what they are, are read as slices of volumes. Nil of other axes.
  static func slicesOfFiles(_ axes: String) -> String? {
    let outer = axes.indices.filter { "ti".contains(axes[$0]) }
    guard outer.count == 2, !axes.contains("z") else { return nil }
    return String(axes.indices.map { $0 == outer[0] ? "i" : $0 == outer[1] ? "z" : axes[$0] })
  }

  /// Whether a job must name these axes, because it would read others.
  private static func mustSay(_ letters: String) -> Bool { ["yx", "yxc", "cyx", "iyxc", "izyxc"].contains(letters) }

  /// Whether neighbours along the axis of images are more alike than images that lie far apart: slices of one thing.
  ///
  /// Planes are compared as means of blocks of pixels, in which noise is small: neighbours correlate by half at least, and
  /// what is different between them is less than half of what is between others.
  private static func areAlike(_ location: ArrayLocation, axes: String?) throws -> Bool {
    let source = try ImageSource(location, layout: .stack, axes: axes)
    let count = source.imageCount
    guard count >= 4, source.hasOneExtent else { return false }
    let extents = source.extents
    let block = max(4, min(extents.y, extents.x) / 48)
    guard extents.y >= 4 * block, extents.x >= 4 * block else { return false }
    func plane(_ image: Int) throws -> [Double] {
      let rows = min(extents.y / block, 96)
      let columns = min(extents.x / block, 96)
      // Of large planes the middle.
      let (top, left) = ((extents.y - rows * block) / 2, (extents.x - columns * block) / 2)
      let box = Box(z: 0..<1, y: top..<top + rows * block, x: left..<left + columns * block)
      let values = AlignedBuffer<Double>(count: source.channels * box.count)
      try source.read(box, ofImage: image, into: values.buffer)
      var means = [Double](repeating: 0, count: rows * columns)
      for y in 0..<rows * block {
        for x in 0..<columns * block {
          let value = values.pointer[y * columns * block + x]
          means[y / block * columns + x / block] += value.isFinite ? value : 0
        }
      }
      return means
    }
    var (near, far, pairs) = (0.0, 0.0, 0)
    for pair in 0..<6 {
      let first = pair * (count - 2) / 5
      let here = try plane(first)
      guard let next = correlation(here, try plane(first + 1)),
        let other = correlation(here, try plane((first + count / 2) % count))
      else { continue }
      (near, far, pairs) = (near + next, far + other, pairs + 1)
    }
    guard pairs > 0 else { return false }
    (near, far) = (near / Double(pairs), far / Double(pairs))
    return near > 0.5 && 1 - near < 0.5 * (1 - far)
  }

  /// Whether images differ in brightness by more than half of what they vary within, by the middles of some of them.
  private static func areUneven(_ source: ImageSource) throws -> Bool {
    guard source.imageCount >= 4 else { return false }
    let most = 12
    func middle(_ extent: Int) -> Range<Int> {
      let side = min(extent, 256)
      return (extent - side) / 2..<(extent - side) / 2 + side
    }
    var (means, spreads) = ([Double](), [Double]())
    for place in 0..<min(most, source.imageCount) {
      let image = place * source.imageCount / min(most, source.imageCount)
      let extents = source.extents(ofImage: image)
      let z = extents.z / 2
      let box = Box(z: z..<z + 1, y: middle(extents.y), x: middle(extents.x))
      let values = AlignedBuffer<Double>(count: source.channels * box.count)
      try source.read(box, ofImage: image, into: values.buffer)
      let known = values.buffer.filter(\.isFinite)
      guard !known.isEmpty else { continue }
      let mean = known.reduce(0, +) / Double(known.count)
      means.append(mean)
      spreads.append((known.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(known.count)).squareRoot())
    }
    guard means.count >= 4 else { return false }
    let center = means.reduce(0, +) / Double(means.count)
    let between = (means.reduce(0) { $0 + ($1 - center) * ($1 - center) } / Double(means.count)).squareRoot()
    let within = spreads.sorted()[spreads.count / 2]
    let (least, greatest) = (spreads.min() ?? 0, spreads.max() ?? 0)
    return between > 0.5 * within || least > 0 && greatest > 4 * least
  }

  /// Pearson's correlation; nil when one of both is constant.
  private static func correlation(_ a: [Double], _ b: [Double]) -> Double? {
    let count = Double(a.count)
    let (meanA, meanB) = (a.reduce(0, +) / count, b.reduce(0, +) / count)
    var (ab, aa, bb) = (0.0, 0.0, 0.0)
    for (x, y) in zip(a, b) {
      ab += (x - meanA) * (y - meanB)
      aa += (x - meanA) * (x - meanA)
      bb += (y - meanB) * (y - meanB)
    }
    return aa > 0 && bb > 0 ? ab / (aa * bb).squareRoot() : nil
  }
}
