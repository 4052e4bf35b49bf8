import HDF5
import Host

/// NIfTI-1 and NIfTI-2 files of medical imaging, packed with gzip or not. Slope and intercept are applied.
///
/// https://nifti.nimh.nih.gov/nifti-1, https://nifti.nimh.nih.gov/nifti-2
enum NIfTIFormat: ImageFormat {
  static var name: String { "NIfTI" }

  static func recognizes(_ head: [UInt8], path: String) -> Bool {
    version(HeaderBytes(bytes: head)) != nil || head.starts(with: [0x1F, 0x8B]) && path.lowercased().hasSuffix(".gz")
  }

  /// The version, and whether the most significant byte comes first; nil: no NIfTI header.
  private static func version(_ header: HeaderBytes) -> (number: Int, isBigEndian: Bool)? {
    guard header.bytes.count >= 352 else { return nil }
    let size = header.number(at: 0, as: Int32.self)
    func isMagic(_ offset: Int, _ kinds: [String]) -> Bool { kinds.contains(header.text(at: offset, count: 3)) }
    if size == 348 || size.byteSwapped == 348, isMagic(344, ["n+1", "ni1"]) { return (1, size != 348) }
    if size == 540 || size.byteSwapped == 540, isMagic(4, ["n+2", "ni2"]) { return (2, size != 540) }
    return nil
  }

  static func open(_ location: ArrayLocation) throws -> (ArrayLocation, any StoredArray) {
    try requireNoDataset(location)
    let head = try FileBytes(location.file, name: location.name).read(at: 0, upTo: 2)
    let isPacked = head == [0x1F, 0x8B]
    let file: any ByteSource =
      isPacked
      ? try GzipBytes(location.file, name: location.name) : try FileBytes(location.file, name: location.name)
    // A short file has no room for an image either.
    var header = HeaderBytes(bytes: try file.read(at: 0, upTo: 544))
    guard let (version, isBigEndian) = version(header) else {
      throw ImageFileError(
        .unknownFormat, location.name,
        isPacked
          ? "is gzip data, but not of a NIfTI file; unpack it (gunzip)" : "is damaged: it has no NIfTI header")
    }
    header.isBigEndian = isBigEndian
    guard header.text(at: version == 1 ? 344 : 4, count: 3).hasSuffix("+\(version)") else {
      throw ImageFileError(
        .unsupported, location.name, "is the header of a pair of files (.hdr, .img); write it as one file (.nii)")
    }
    return (location, try array(header, version, file, location, isPacked: isPacked))
  }

  private static func array(
    _ header: HeaderBytes, _ version: Int, _ file: any ByteSource, _ location: ArrayLocation, isPacked: Bool
  ) throws(ImageFileError) -> any StoredArray {
    let isFirst = version == 1
    func extent(_ axis: Int) -> Int {
      isFirst
        ? Int(header.number(at: 40 + 2 * axis, as: Int16.self))
        : Int(clamping: header.number(at: 16 + 8 * axis, as: Int64.self))
    }
    func step(_ axis: Int) -> Double {
      isFirst ? Double(header.float(at: 76 + 4 * axis)) : header.double(at: 104 + 8 * axis)
    }
    let code = Int(header.number(at: isFirst ? 70 : 12, as: Int16.self))
    let offset = isFirst ? Double(header.float(at: 108)) : Double(header.number(at: 168, as: Int64.self))
    let (slope, intercept) =
      isFirst
      ? (Double(header.float(at: 112)), Double(header.float(at: 116)))
      : (header.double(at: 176), header.double(at: 184))
    let units = isFirst ? Int(header.bytes[123]) : Int(header.number(at: 500, as: Int32.self))
    let rank = extent(0)
    guard (1...7).contains(rank), (1...rank).allSatisfy({ extent($0) > 0 }), (0...1e15).contains(offset) else {
      throw ImageFileError(.damaged, location.name, "is damaged: its header says that it has \(rank) axes")
    }
    // x varies fastest. Axes of one element after the third are left out.
    var last = rank
    while last > 3, extent(last) == 1 { last -= 1 }
    let letters: [Character] = ["x", "y", "z", "t", "c"]
    let unit = [1: "m", 2: "mm", 3: "µm"][units & 7] ?? ""
    let facts = ArrayFacts(
      format: "NIfTI-\(version)", shape: (1...last).reversed().map(extent), elementType: try type(code, location),
      axes: last <= 5 ? String(letters[..<last].reversed()) : nil,
      spacing: (1...last).reversed().map { axis in
        let step = abs(step(axis))
        guard axis <= 3, step > 0, step.isFinite, !unit.isEmpty else { return nil }
        return Length(isFirst ? Length(step, unit).rounded : step, unit)
      }, compression: isPacked ? "gzip" : nil)
    let array = try FlatArray(location, file, facts, offset: Int(offset), isBigEndian: header.isBigEndian)
    guard slope.isFinite, intercept.isFinite, slope != 0, slope != 1 || intercept != 0 else { return array }
    return ScaledArray(array, slope: slope, intercept: intercept)
  }

  private static func type(_ code: Int, _ location: ArrayLocation) throws(ImageFileError) -> ElementType {
    let types: [Int: ElementType] = [
      2: .integer(bits: 8, signed: false), 4: .integer(bits: 16, signed: true), 8: .integer(bits: 32, signed: true),
      16: .float(bits: 32), 64: .float(bits: 64), 256: .integer(bits: 8, signed: true),
      512: .integer(bits: 16, signed: false), 768: .integer(bits: 32, signed: false),
      1024: .integer(bits: 64, signed: true), 1280: .integer(bits: 64, signed: false),
    ]
    if let type = types[code] { return type }
    throw ImageFileError(
      .unsupported, location.name,
      "holds elements of NIfTI's type \(code), no real numbers of 8 to 64 bits; convert them to float32")
  }
}

/// An array whose numbers v mean slope · v + intercept.
struct ScaledArray: ElementArray {
  let base: FlatArray
  let slope: Double
  let intercept: Double
  let facts: ArrayFacts

  init(_ base: FlatArray, slope: Double, intercept: Double) {
    (self.base, self.slope, self.intercept) = (base, slope, intercept)
    var facts = base.facts
    facts.elementType = .float(bits: 64)
    facts.notes.append("\(base.facts.elementType), scaled by \(slope) and moved by \(intercept)")
    self.facts = facts
  }

  var location: ArrayLocation { base.location }

  func readElements(_ slab: Hyperslab, into bytes: UnsafeMutableRawBufferPointer) throws {
    try base.read(slab, as: .double, into: bytes)
    let values = bytes.bindMemory(to: Double.self)
    for i in values.indices { values[i] = values[i] * slope + intercept }
  }
}
