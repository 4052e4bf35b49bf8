import Host

extension InstanceBlock {
  /// Adds the voxels of these slices to the records of objects.
  ///
  /// - Parameter objects: of each piece the object.
  func measure(_ objects: PieceNumbers, _ records: inout InstanceRecords) {
    let fitsSmall = max(z.upperBound, extents.y, extents.x) <= SmallObject.mostVoxels
    switch pieces {
    case .rows(let runs, let components): measure(runs, components, objects, fitsSmall: fitsSmall, &records)
    case .superRows(let rows): measure(rows, objects, fitsSmall: fitsSmall, &records)
    }
  }

  /// Row by row: runs of one piece that follow each other in a row at once.
  private func measure(
    _ runs: LabelledRuns, _ components: Components, _ objects: PieceNumbers, fitsSmall: Bool,
    _ records: inout InstanceRecords
  ) {
    let overlap = overlap
    runs.runs.withUnsafeBufferPointer { all in
      components.numbers.withUnsafeBufferPointer { numbers in
        for slice in overlap..<extents.z {
          for y in 0..<extents.y {
            let row = runs.row(slice, y)
            var index = row.lowerBound
            while index < row.upperBound {
              let (first, piece) = (index, numbers[index])
              repeat { index += 1 } while index < row.upperBound && numbers[index] == piece
              let (object, start) = (objects[Int(piece)], all[first].start)
              if fitsSmall, all[index - 1].end - start <= 4 {
                var bits: UInt64 = 0
                for run in all[first..<index] {
                  bits |= (1 << UInt64(run.end - run.start) - 1) << UInt64(run.start - start)
                }
                records.add(SmallObject(z: z.lowerBound + slice - overlap, y: y, x: start, bits: bits), to: object)
                continue
              }
              var line = BitSums()
              for run in all[first..<index] { line.add(run.start..<run.end) }
              var moments = InstanceMoments()
              moments.add(z: z.lowerBound + slice - overlap, y: y, line)
              records.add(moments, to: object)
            }
          }
        }
      }
    }
  }

  /// Super-row by super-row: runs of one piece that follow each other at once.
  private func measure(
    _ rows: SuperRows, _ objects: PieceNumbers, fitsSmall: Bool, _ records: inout InstanceRecords
  ) {
    let nothing = AlignedBuffer<UInt64>(count: rows.bits.wordsPerRow)
    let (shift, table) = (z.lowerBound - overlap, BitSums.ofBytes.pointer)
    rows.runs.withUnsafeBufferPointer { runs in
      rows.numbers.withUnsafeBufferPointer { numbers in
        SuperRows.forEach(extents) { superRow, z, y in
          /// A row of these slices; one of no voxels elsewhere.
          func row(_ z: Int, _ y: Int) -> UnsafePointer<UInt64> {
            z < overlap ? UnsafePointer(nothing.pointer) : rows.bits.row(z, y) ?? UnsafePointer(nothing.pointer)
          }
          let (one, two, three, four) = (row(z, y), row(z, y + 1), row(z + 1, y), row(z + 1, y + 1))
          var index = rows.first[superRow]
          let end = rows.first[superRow + 1]
          while index < end {
            let (piece, start) = (numbers[index], runs[index].start)
            repeat { index += 1 } while index < end && numbers[index] == piece
            let (next, object) = (runs[index - 1].end, objects[Int(piece)])
            if fitsSmall, next - start <= 4, !records.isLarge(object) {
              func bits(_ row: UnsafePointer<UInt64>) -> UInt64 { BitRows.bits(row, from: start, count: next - start) }
              let all = bits(one) | bits(two) << 4 | bits(three) << 16 | bits(four) << 20
              if all != 0 { records.add(SmallObject(z: z + shift, y: y, x: start, bits: all), to: object) }
              continue
            }
            records.add(z: z + shift, y: y, FourSums(one, two, three, four, start..<next, table), to: object)
          }
        }
      }
    }
  }
}
