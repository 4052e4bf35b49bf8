/// Copies of regions between arrays of any order of axes.
enum StridedCopy {
  /// Copies `count` elements along each axis, which are `from` bytes apart in one array and `to` bytes in another.
  ///
  /// - Parameter size: bytes of an element: 1, 2, 4 or 8.
  static func copy(
    _ count: [Int], of size: Int, from source: UnsafeRawPointer, _ from: [Int],
    to target: UnsafeMutableRawPointer, _ to: [Int]
  ) {
    guard !count.contains(0) else { return }
    guard let last = count.indices.last else {
      target.copyMemory(from: source, byteCount: size)
      return
    }
    var index = [Int](repeating: 0, count: count.count)
    var (source, target) = (source, target)
    while true {
      row(count[last], size, source, from[last], target, to[last])
      var axis = last - 1
      while axis >= 0 {
        index[axis] += 1
        source += from[axis]
        target += to[axis]
        if index[axis] < count[axis] { break }
        source -= from[axis] * count[axis]
        target -= to[axis] * count[axis]
        index[axis] = 0
        axis -= 1
      }
      if axis < 0 { return }
    }
  }

  private static func row(
    _ count: Int, _ size: Int, _ source: UnsafeRawPointer, _ from: Int, _ target: UnsafeMutableRawPointer, _ to: Int
  ) {
    if from == size, to == size {
      target.copyMemory(from: source, byteCount: count * size)
      return
    }
    func move<Word: BitwiseCopyable>(_: Word.Type) {
      for i in 0..<count {
        target.storeBytes(
          of: source.loadUnaligned(fromByteOffset: i * from, as: Word.self), toByteOffset: i * to, as: Word.self)
      }
    }
    switch size {
    case 1: move(UInt8.self)
    case 2: move(UInt16.self)
    case 4: move(UInt32.self)
    default: move(UInt64.self)
    }
  }

  /// The distances in bytes of neighbours along each axis of an array in row order.
  static func steps(of shape: [Int], size: Int) -> [Int] {
    var steps = [Int](repeating: size, count: shape.count)
    for axis in steps.indices.dropLast().reversed() { steps[axis] = steps[axis + 1] * shape[axis + 1] }
    return steps
  }
}
