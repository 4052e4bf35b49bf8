import Host

/// Finds the runs of row after row: where a value differs from the one before, eight values at a time.
struct RowScan {
  let map: UnsafeBufferPointer<UInt8>
  let keepsBackground: Bool
  let runs: UnsafeMutableBufferPointer<RowRun>
  let labels: UnsafeMutableBufferPointer<UInt8>
  /// The runs so far.
  var count = 0

  @inline(__always)
  private mutating func add(_ start: Int, _ end: Int, _ label: UInt8) {
    guard label != 0 || keepsBackground else { return }
    runs.initializeElement(at: count, to: RowRun(start: start, end: end))
    labels.initializeElement(at: count, to: label)
    count += 1
  }

  mutating func take(_ line: UnsafePointer<UInt8>, count columns: Int) {
    guard columns > 0 else { return }
    let bytes = UnsafeRawPointer(line)
    let map = map
    var (start, label) = (0, map[Int(line[0])])
    @inline(__always)
    func change(at x: Int, _ scan: inout RowScan) {
      let next = map[Int(line[x])]
      guard next != label else { return }
      scan.add(start, x, label)
      (start, label) = (x, next)
    }
    let low: UInt64 = 0x7f7f_7f7f_7f7f_7f7f
    var x = 1
    while x + 8 <= columns {
      let own = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: x, as: UInt64.self))
      let before = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: x - 1, as: UInt64.self))
      // The highest bit of every byte that differs.
      let difference = own ^ before
      var changes = (((difference & low) &+ low) | difference) & ~low
      while changes != 0 {
        change(at: x + changes.trailingZeroBitCount / 8, &self)
        changes &= changes &- 1
      }
      x += 8
    }
    while x < columns {
      change(at: x, &self)
      x += 1
    }
    add(start, columns, label)
  }
}
