import HDF5
import Host

/// An array as a file of another format gets it: its axes in that format's order, its numbers of a type that it has.
struct ExportedArray {
  /// `[…, y, x]`
  let array: any StoredArray
  /// The name of what is exported, for the file.
  let name: String
  /// A letter for each axis.
  let letters: [Character]
  /// The type of the numbers in the file.
  let type: NumberType

  var shape: [Int] { array.shape }
  var height: Int { shape[shape.count - 2] }
  var width: Int { shape[shape.count - 1] }
  /// The number of planes.
  var planes: Int { shape.dropLast(2).reduce(1, *) }

  /// The extent of an axis; 1 where there is none.
  func extent(_ letter: Character) -> Int { letters.firstIndex(of: letter).map { shape[$0] } ?? 1 }

  /// The distance of neighbours along an axis.
  func spacing(_ letter: Character) -> Length? { letters.firstIndex(of: letter).flatMap { array.facts.spacing[$0] } }

  /// Puts the axes in an order; those of one element that are not needed are left out.
  ///
  /// - Parameter order: the axes that the format has, the slowest first; y and x are the last.
  /// - Throws: `ImageFileError` when the array has others, of several elements.
  init(_ array: any StoredArray, name: String, order: String, of format: String) throws(ImageFileError) {
    var letters = Self.letters(of: array)
    // Images without another order are slices, or else times.
    if let place = letters.firstIndex(of: "i") {
      letters[place] = !letters.contains("z") ? "z" : !letters.contains("t") ? "t" : "i"
    }
    let kept = order.filter { letter in
      "yx".contains(letter) || letters.firstIndex(of: letter).map { array.shape[$0] > 1 } == true
    }
    let extra = letters.indices.filter { array.shape[$0] > 1 && !kept.contains(letters[$0]) }
    guard extra.isEmpty, letters.contains("y"), letters.contains("x") else {
      let axes = zip(letters, array.shape).map { "\($0) \($1)" }.joined(separator: ", ")
      throw ImageFileError(
        .unsupported, name,
        "has the axes [\(axes)], but \(format) holds \(order) alone; take one class or image of it (--class, --image)")
    }
    self.letters = Array(kept)
    self.name = name
    self.array = PermutedArray(array, order: kept.map { letters.firstIndex(of: $0) }, axes: String(kept))
    type = NumberType(of: array.facts.elementType)
  }

  /// The letters of an array's axes; of one that does not name them, the usual ones.
  private static func letters(of array: any StoredArray) -> [Character] {
    if let axes = array.facts.axes { return Array(axes) }
    return Array("tczyx".suffix(array.shape.count))
  }

  /// Hands over each plane, in row order of the outer axes.
  ///
  /// - Parameter body: gets the plane's number and its `[y, x]` numbers of `type`.
  func forEachPlane(_ body: (Int, UnsafeRawBufferPointer) throws -> Void) throws {
    let plane = AlignedBuffer<UInt8>(count: height * width * type.bytes)
    for number in 0..<planes {
      try array.read(slab(of: number), as: type, into: UnsafeMutableRawBufferPointer(plane.buffer))
      try body(number, UnsafeRawBufferPointer(plane.buffer))
    }
  }

  /// A plane as a region of the array.
  func slab(of plane: Int) -> Hyperslab {
    var slab = Hyperslab(all: shape)
    var rest = plane
    for axis in shape.indices.dropLast(2).reversed() {
      (slab.start[axis], slab.count[axis]) = (rest % shape[axis], 1)
      rest /= shape[axis]
    }
    return slab
  }
}
