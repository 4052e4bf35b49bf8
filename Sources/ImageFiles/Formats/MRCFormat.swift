import HDF5

/// MRC and CCP4 files of electron microscopy, modes 0, 1, 2, 6 and 12.
///
/// A. Cheng et al., *MRC2014: Extensions to the MRC format header*, doi:10.1016/j.jsb.2015.04.002.
enum MRCFormat: ImageFormat {
  static var name: String { "MRC" }
  private static let headerBytes = 1024

  static func recognizes(_ head: [UInt8], path: String) -> Bool {
    head.count >= headerBytes && Array(head[208..<211]) == Array("MAP".utf8)
  }

  static func open(_ location: ArrayLocation) throws -> (ArrayLocation, any StoredArray) {
    try requireNoDataset(location)
    let file = try FileBytes(location.file, name: location.name)
    // The machine stamp begins with 0x44 of little-endian files, 0x11 of others.
    var header = HeaderBytes(bytes: try file.read(at: 0, upTo: headerBytes))
    header.isBigEndian = header.bytes[212] == 0x11
    func word(_ number: Int) -> Int { Int(header.number(at: 4 * (number - 1), as: Int32.self)) }
    let shape = [word(3), word(2), word(1)]
    guard shape.allSatisfy({ $0 > 0 }), word(24) >= 0 else {
      throw ImageFileError(.damaged, location.name, "is damaged: its header says that it has the shape \(shape)")
    }
    // Columns, rows and sections are x, y and z unless the header says otherwise.
    let order = [word(19), word(18), word(17)]
    let letters: [Character] = order.sorted() == [1, 2, 3] ? order.map { ["x", "y", "z"][$0 - 1] } : ["z", "y", "x"]
    var spacing: [Length?] = letters.map { letter in
      let axis = letter == "x" ? 0 : letter == "y" ? 1 : 2
      let (cell, intervals) = (header.float(at: 40 + 4 * axis), word(8 + axis))
      guard cell > 0, cell.isFinite, intervals > 0 else { return nil }
      return Length(Length(Double(cell) / Double(intervals), "Å").rounded, "Å")
    }
    // Space group 0 means images, which have no distance.
    let isStack = word(23) == 0
    if isStack { spacing[0] = nil }
    var facts = ArrayFacts(
      format: name, shape: shape, elementType: try elementType(word(4), header, location),
      axes: isStack && letters[0] == "z" ? "iyx" : String(letters), spacing: spacing)
    // Files of one program's own say 1 Å for "not known".
    if spacing.allSatisfy({ $0.map { $0.value == 1 } ?? true }) { facts.spacing = [nil, nil, nil] }
    let array = try FlatArray(
      location, file, facts, offset: headerBytes + word(24), isBigEndian: header.isBigEndian)
    return (location, array)
  }

  private static func elementType(
    _ mode: Int, _ header: HeaderBytes, _ location: ArrayLocation
  ) throws(ImageFileError) -> ElementType {
    switch mode {
    case 0:
      // IMOD's files say in word 39 by its stamp, in word 40 by bit 0, whether bytes have a sign.
      let isIMOD = header.number(at: 152, as: Int32.self) == 1_146_047_817
      return .integer(bits: 8, signed: !isIMOD || header.number(at: 156, as: Int32.self) & 1 == 1)
    case 1: return .integer(bits: 16, signed: true)
    case 2: return .float(bits: 32)
    case 6: return .integer(bits: 16, signed: false)
    case 12: return .float(bits: 16)
    case 3, 4:
      throw ImageFileError(.unsupported, location.name, "holds complex numbers (mode \(mode)); write real ones")
    default:
      throw ImageFileError(
        .unsupported, location.name,
        "is of mode \(mode); modes that are read: 0, 1, 2, 6, 12 (int8, int16, float32, uint16, "
          + "float16)")
    }
  }
}
