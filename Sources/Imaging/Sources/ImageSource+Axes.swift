import ImageFiles

extension ImageSource {
  /// An array with its axes in the layout's order, when they are known; else as it is.
  ///
  /// Of a stack the axis of images is the one of `i`, `t` and `z` that has several elements; of a volume, one of `i` or
  /// `t` serves as z when there is no z; of volumes, that of images is `i` or `t`, and where there is no z the last of these serves as z, as pages of
  /// several files do. Other axes must have one element. A channel axis of one element is left out, unless `axes` names it.
  ///
  /// - Parameter isOneOfMany: the array is one of several, and may be a single image without an axis of images.
  /// - Throws: `ImagingError` when the axes do not fit the array or the layout.
  static func arranged(
    _ array: any StoredArray, at location: ArrayLocation, layout: ImageLayout, axes: String?, isOneOfMany: Bool
  ) throws(ImagingError) -> any StoredArray {
    guard let letters = (axes ?? array.facts.axes).map(Array.init) else {
      guard isOneOfMany, array.shape.count == layout.axisCount - 1 else { return array }
      return PermutedArray(array, order: [nil] + array.shape.indices.map { $0 }, axes: nil)
    }
    let shape = array.shape
    guard letters.count == shape.count else {
      throw .axesCount(location, axes: String(letters), shape: shape)
    }
    func place(_ letter: Character) -> Int? { letters.firstIndex(of: letter) }
    var order: [Int?] = []
    let outer = ["z", "i", "t"].compactMap { place($0) }
    switch layout {
    case .stack: order.append(outer.first { shape[$0] > 1 } ?? outer.first)
    case .volume: order.append(outer.first)
    case .volumes:
      let others = shape.indices.filter { letters[$0] == "i" || letters[$0] == "t" }
      let slices = place("z") ?? others.last
      order += [others.first { $0 != slices }, slices]
    }
    if let channels = place("c"), shape[channels] > 1 || axes != nil {
      order.insert(channels, at: layout.channelAxis)
    }
    order += [place("y"), place("x")]
    let others = shape.indices.filter { shape[$0] > 1 && !order.contains($0) }
    guard others.isEmpty, place("y") != nil, place("x") != nil else {
      throw .axesDoNotFit(location, axes: String(letters), shape: shape, layout: layout)
    }
    if order == shape.indices.map({ $0 }) { return array }
    return PermutedArray(array, order: order, axes: nil)
  }
}
