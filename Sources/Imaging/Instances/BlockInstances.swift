import Host

/// The voxels of objects in one block, with what they are of.
public struct BlockInstances {
  private let block: InstanceBlock
  /// Of each piece what it is of.
  private let objects: PieceNumbers
  /// Of each of these the place in the list of all; below 0: of no object.
  private let places: [Int32]

  init(_ block: InstanceBlock, _ objects: PieceNumbers, _ places: [Int32]) {
    (self.block, self.objects, self.places) = (block, objects, places)
  }

  /// Calls `body` with every run of objects, in the order of (z, y, x).
  @inline(__always)
  public func forEachRun(_ body: (InstanceRun) -> Void) {
    places.withUnsafeBufferPointer { places in
      forEachPiece { piece, z, y, run, offset in
        let place = places[objects[Int(piece)]]
        guard place >= 0 else { return }
        body(InstanceRun(place: Int(place), z: z, y: y, x: run.start..<run.end, offset: offset))
      }
    }
  }

  /// Writes a number for every voxel of the block, `[z, y, x]`: 0 where no object is.
  ///
  /// - Parameter number: of the object at a place in the list of all.
  /// - Complexity: O(*voxels*); of one label in every direction four voxels at a time, however many runs there are.
  public func fill(_ values: UnsafeMutableBufferPointer<Int32>, _ number: (_ place: Int) -> Int32) {
    precondition(values.count == block.z.count * block.extents.y * block.extents.x, "a number for each voxel")
    guard let start = values.baseAddress else { return }
    let numbers = [Int32](unsafeUninitializedCapacity: objects.count) { numbers, count in
      for piece in 0..<objects.count {
        let place = places[objects[piece]]
        numbers.initializeElement(at: piece, to: place < 0 ? 0 : number(Int(place)))
      }
      count = objects.count
    }
    numbers.withUnsafeBufferPointer { numbers in
      if case .superRows(let rows) = block.pieces {
        fill(start, numbers, rows)
        return
      }
      var end = 0
      forEachPiece { piece, _, _, run, offset in
        let number = numbers[Int(piece)]
        (start + end).update(repeating: 0, count: offset - end)
        end = offset + run.end - run.start
        (start + offset).update(repeating: number, count: run.end - run.start)
      }
      (start + end).update(repeating: 0, count: values.count - end)
    }
  }

  /// Writes along super-rows the numbers that their voxels would have, of which each row takes those of its own voxels.
  private func fill(_ values: UnsafeMutablePointer<Int32>, _ numbers: UnsafeBufferPointer<Int32>, _ rows: SuperRows) {
    let (extents, overlap) = (block.extents, block.overlap)
    let line = AlignedBuffer<Int32>(count: extents.x + 4)
    let masks = Self.masks.pointer
    rows.runs.withUnsafeBufferPointer { runs in
      rows.numbers.withUnsafeBufferPointer { pieces in
        SuperRows.forEach(extents) { superRow, z, y in
          for index in rows.first[superRow]..<rows.first[superRow + 1] {
            let (run, number) = (runs[index], numbers[Int(pieces[index])])
            var x = run.start
            repeat {
              line.pointer[x] = number
              x &+= 1
            } while x < run.end
          }
          for z in max(z, overlap)..<min(z + 2, extents.z) {
            for y in y..<min(y + 2, extents.y) {
              let own = values + ((z - overlap) * extents.y + y) * extents.x
              if let words = rows.bits.row(z, y), (0..<rows.bits.wordsPerRow).contains(where: { words[$0] != 0 }) {
                Self.take(line.pointer, where: words, masks, into: own, count: extents.x)
              } else {
                own.update(repeating: 0, count: extents.x)
              }
            }
          }
        }
      }
    }
  }

  /// For each four bits the lanes that are taken.
  private static let masks: AlignedBuffer<SIMD4<Int32>> = {
    let masks = AlignedBuffer<SIMD4<Int32>>(count: 16)
    for bits in 0..<16 {
      for lane in 0..<4 where bits >> lane & 1 == 1 { masks.pointer[bits][lane] = -1 }
    }
    return masks
  }()

  /// Takes the numbers whose bits are 1, and 0 elsewhere.
  @inline(__always)
  private static func take(
    _ line: UnsafePointer<Int32>, where words: UnsafePointer<UInt64>, _ masks: UnsafePointer<SIMD4<Int32>>,
    into values: UnsafeMutablePointer<Int32>, count: Int
  ) {
    let (from, to) = (UnsafeRawPointer(line), UnsafeMutableRawPointer(values))
    for word in 0..<count / 64 {
      var bits = words[word]
      let (from, to) = (from + word * 256, to + word * 256)
      for quad in 0..<16 {
        let numbers = from.loadUnaligned(fromByteOffset: quad * 16, as: SIMD4<Int32>.self) & masks[Int(bits & 15)]
        to.storeBytes(of: numbers, toByteOffset: quad * 16, as: SIMD4<Int32>.self)
        bits >>= 4
      }
    }
    for x in count & ~63..<count { values[x] = words[x >> 6] >> UInt64(x & 63) & 1 == 1 ? line[x] : 0 }
  }

  /// Calls `body` with every run of pieces, its place, and its first voxel's place in the block.
  @inline(__always)
  private func forEachPiece(_ body: (_ piece: Int32, _ z: Int, _ y: Int, _ run: RowRun, _ offset: Int) -> Void) {
    let (extents, overlap) = (block.extents, block.overlap)
    switch block.pieces {
    case .superRows(let rows):
      let room = rows.room
      for slice in overlap..<extents.z {
        for y in 0..<extents.y {
          let start = ((slice - overlap) * extents.y + y) * extents.x
          rows.forEachRun(slice, y, room.pointer) { run, piece in
            body(piece, block.z.lowerBound + slice - overlap, y, run, start + run.start)
          }
        }
      }
    case .rows(let runs, let components):
      runs.runs.withUnsafeBufferPointer { all in
        components.numbers.withUnsafeBufferPointer { pieces in
          for slice in overlap..<extents.z {
            for y in 0..<extents.y {
              let start = ((slice - overlap) * extents.y + y) * extents.x
              for index in runs.row(slice, y) {
                body(pieces[index], block.z.lowerBound + slice - overlap, y, all[index], start + all[index].start)
              }
            }
          }
        }
      }
    }
  }
}

/// Voxels of one object that follow one another along x.
public struct InstanceRun: Hashable, Sendable {
  /// The object's place in the list of all.
  public let place: Int
  /// The slice of the image.
  public let z: Int
  /// The row.
  public let y: Int
  /// The columns.
  public let x: Range<Int>
  /// The place of the first voxel among those of its block, `[z, y, x]`.
  public let offset: Int
}
