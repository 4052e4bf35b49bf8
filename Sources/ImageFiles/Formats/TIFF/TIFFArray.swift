import HDF5
import Host

/// Pages of a TIFF file as an array: the pages along the outer axes, then (sample,) y, x or y, x(, sample).
struct TIFFArray: ElementArray {
  let tiff: TIFFFile
  /// For rows that are not packed.
  let file: FileBytes
  let facts: ArrayFacts
  /// The pages in row order of the outer axes, with their numbers in the file.
  let pages: [(number: Int, page: TIFFPage)]
  /// The number of outer axes.
  let outer: Int

  var location: ArrayLocation { tiff.location }

  func readElements(_ slab: Hyperslab, into bytes: UnsafeMutableRawBufferPointer) throws {
    let selections = shape.indices.map { Selection(slab.start[$0], slab.count[$0], slab.stride[$0]) }
    let count = selections[..<outer].reduce(1) { $0 * $1.count }
    let pageBytes = bytes.count / max(1, count)
    var packed: [(part: PagePart, row: Int)] = []
    for place in 0..<count {
      var (rest, page, factor) = (place, 0, 1)
      for axis in (0..<outer).reversed() {
        page += selections[axis][rest % selections[axis].count] * factor
        rest /= selections[axis].count
        factor *= shape[axis]
      }
      let target = UnsafeMutableRawBufferPointer(rebasing: bytes[place * pageBytes..<(place + 1) * pageBytes])
      for part in try parts(of: pages[page].page, number: pages[page].number, selections[outer...], into: target) {
        if part.page.isPlain { try readPlain(part) } else { packed += part.rows.map { (part, $0) } }
      }
    }
    let largest = packed.map { $0.part.page.blockBytes }.max() ?? 0
    try Unpacking.run(count: packed.count, bytes: largest) { try unpack(packed[$0].part, row: packed[$0].row) }
  }

  /// The wanted parts of a page: one, or of planes that stand apart one each.
  private func parts(
    of page: TIFFPage, number: Int, _ inner: ArraySlice<Selection>, into bytes: UnsafeMutableRawBufferPointer
  ) throws(ImageFileError) -> [PagePart] {
    let axes = Array(inner)
    let all = Selection(0, 1, 1)
    let (samples, y, x) =
      page.samples == 1
      ? (all, axes[0], axes[1]) : page.isPlanar ? (axes[0], axes[1], axes[2]) : (axes[2], axes[0], axes[1])
    let across = (page.width + page.blockWidth - 1) / page.blockWidth
    let down = (page.height + page.blockHeight - 1) / page.blockHeight
    guard across * down * (page.isPlanar ? page.samples : 1) == page.blocks else {
      throw ImageFileError(.damaged, tiff.place(number), "is damaged: it has \(page.blocks) strips or tiles")
    }
    let planes = page.isPlanar ? samples.count : 1
    let planeBytes = bytes.count / planes
    return (0..<planes).map { plane in
      PagePart(
        number: number, firstBlock: page.isPlanar ? samples[plane] * across * down : 0, across: across,
        copy: BlockCopy(
          page: page, samples: page.isPlanar ? all : samples, y: y, x: x,
          target: UnsafeMutableRawBufferPointer(rebasing: bytes[plane * planeBytes..<(plane + 1) * planeBytes])))
    }
  }

  /// Unpacks the wanted blocks of a row of them.
  private func unpack(_ part: PagePart, row: Int) throws(ImageFileError) {
    var copy = part.copy
    let page = part.page
    for column in copy.x.first / page.blockWidth...copy.x.last / page.blockWidth {
      copy.place(top: row * page.blockHeight, left: column * page.blockWidth)
      let block = part.firstBlock + row * part.across + column
      try tiff.withBlock(block, of: page, number: part.number) { copy.take($0) }
    }
  }

  /// Reads rows that are not packed, the columns that are wanted only. Whole rows that follow each other in the file are read
  /// together, whatever strips they are of.
  private func readPlain(_ part: PagePart) throws(ImageFileError) {
    let (page, copy) = (part.page, part.copy)
    let pixel = page.elementType.bytes * (page.isPlanar ? 1 : page.samples)
    let rowBytes = page.width * pixel
    let offsets = try tiff.offsets(
      of: page, number: part.number,
      blocks: part.firstBlock + part.rows.lowerBound..<part.firstBlock + part.rows.upperBound)
    // What is to be read next, in the file and in the target.
    var run = (from: 0, target: 0..<0)
    func read() throws(ImageFileError) {
      if !run.target.isEmpty {
        try file.read(at: run.from, into: UnsafeMutableRawBufferPointer(rebasing: copy.target[run.target]))
      }
    }
    for (strip, stored) in zip(part.rows, offsets) {
      let offset = min(stored, file.count)
      let top = strip * page.blockHeight
      guard let rows = copy.y.indices(from: top, to: min(top + page.blockHeight, page.height)) else { continue }
      if copy.y.stride == 1, copy.isWhole {
        let from = offset + (copy.y[rows.lowerBound] - top) * rowBytes
        let target = rows.lowerBound * rowBytes..<rows.upperBound * rowBytes
        if from == run.from + run.target.count, target.lowerBound == run.target.upperBound {
          run.target = run.target.lowerBound..<target.upperBound
        } else {
          try read()
          run = (from, target)
        }
        continue
      }
      let width = copy.x.last - copy.x.first + 1
      let row = AlignedBuffer<UInt8>(count: width * pixel)
      for index in rows {
        let from = offset + (copy.y[index] - top) * rowBytes + copy.x.first * pixel
        try file.read(at: from, into: UnsafeMutableRawBufferPointer(row.buffer))
        copy.take(row: UnsafeRawBufferPointer(row.buffer), left: copy.x.first, columns: 0..<copy.x.count, to: index)
      }
    }
    try read()
    if page.isSwapped { ElementConversion.swap(copy.target, size: page.elementType.bytes) }
  }
}

/// What is wanted of a page, or of one of its planes.
private struct PagePart {
  /// The page's number in the file.
  let number: Int
  /// The number of its first block in the page.
  let firstBlock: Int
  /// Blocks side by side.
  let across: Int
  let copy: BlockCopy

  var page: TIFFPage { copy.page }
  /// The rows of blocks in which wanted pixels are.
  var rows: Range<Int> { copy.y.first / page.blockHeight..<copy.y.last / page.blockHeight + 1 }
}

/// Numbers of an axis that are wanted: `count` of them from `first` on, `stride` apart.
struct Selection {
  let first: Int
  let count: Int
  let stride: Int

  init(_ first: Int, _ count: Int, _ stride: Int) { (self.first, self.count, self.stride) = (first, count, stride) }

  var last: Int { first + (count - 1) * stride }

  subscript(_ index: Int) -> Int { first + index * stride }

  /// The indices of the numbers in a range; nil when there are none.
  func indices(from: Int, to: Int) -> Range<Int>? {
    let low = max(0, (from - first + stride - 1) / stride)
    let high = min(count, max(0, (to - first + stride - 1) / stride))
    return low < high ? low..<high : nil
  }
}

/// Copies what is wanted of a page's blocks into row order.
private struct BlockCopy {
  let page: TIFFPage
  let samples: Selection
  let y: Selection
  let x: Selection
  /// `[y, x(, sample)]`
  let target: UnsafeMutableRawBufferPointer
  private var top = 0
  private var left = 0

  init(page: TIFFPage, samples: Selection, y: Selection, x: Selection, target: UnsafeMutableRawBufferPointer) {
    (self.page, self.samples, self.y, self.x, self.target) = (page, samples, y, x, target)
  }

  /// Samples of a pixel that stand together in a block.
  private var together: Int { page.isPlanar ? 1 : page.samples }

  /// Whether whole rows are wanted.
  var isWhole: Bool { x.count == page.width && samples.count == together }

  /// Says where the next block is.
  mutating func place(top: Int, left: Int) { (self.top, self.left) = (top, left) }

  /// Copies from an unpacked block.
  func take(_ block: UnsafeRawBufferPointer) {
    guard let rows = y.indices(from: top, to: min(top + page.blockHeight, page.height)),
      let columns = x.indices(from: left, to: min(left + page.blockWidth, page.width))
    else { return }
    let size = page.elementType.bytes
    let perRow = page.blockWidth * together
    if page.bits < 8 {
      let packedRow = (perRow * page.bits + 7) / 8
      var row = [UInt8](repeating: 0, count: perRow)
      for index in rows {
        let packed = block.dropFirst((y[index] - top) * packedRow).prefix(packedRow)
        guard packed.count == packedRow else { return }
        let start = packed.startIndex
        for i in 0..<perRow {
          let bit = i * page.bits
          let shift = 8 - page.bits - bit % 8
          row[i] = packed[start + bit / 8] >> UInt8(shift) & UInt8(1 << page.bits - 1)
        }
        row.withUnsafeBytes { take(row: $0, left: left, columns: columns, to: index) }
      }
      return
    }
    for index in rows {
      let start = (y[index] - top) * perRow * size
      take(
        row: UnsafeRawBufferPointer(rebasing: block[start..<start + perRow * size]), left: left, columns: columns,
        to: index)
    }
  }

  /// Copies from a row of pixels that begins at a column.
  func take(row: UnsafeRawBufferPointer, left: Int, columns: Range<Int>, to index: Int) {
    let size = page.elementType.bytes
    let pixel = size * together
    let wanted = size * samples.count
    var to = (index * x.count + columns.lowerBound) * wanted
    if x.stride == 1, samples.count == together {
      let from = (x[columns.lowerBound] - left) * pixel
      UnsafeMutableRawBufferPointer(rebasing: target[to..<to + columns.count * pixel])
        .copyMemory(from: UnsafeRawBufferPointer(rebasing: row[from..<from + columns.count * pixel]))
      return
    }
    for column in columns {
      let from = (x[column] - left) * pixel
      for sample in 0..<samples.count {
        let start = from + samples[sample] * size
        for byte in 0..<size { target[to + byte] = row[start + byte] }
        to += size
      }
    }
  }
}
