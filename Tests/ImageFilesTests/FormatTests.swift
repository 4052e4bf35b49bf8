import Foundation
import HDF5
import Testing

@testable import ImageFiles

/// The numbers that the fixtures hold.
private let ramp: [Double] = (0..<360).map { Double($0) }
private let small: [Double] = ramp.map { $0.truncatingRemainder(dividingBy: 251) }
private let real: [Double] = ramp.map { $0 / 4 - 7.5 }
private let multiples: [Double] = (0..<360).map { $0 % 3 == 0 ? 1.0 : 0 }

private let lowered: [Double] = ramp.map { $0 - 100 }
private let raised: [Double] = ramp.map { $0 + 4e9 }
private let negative: [Double] = ramp.map { -$0 }
private let signed: [Double] = small.map { $0 > 127 ? $0 - 256 : $0 }
private let count240: [Double] = (0..<240).map { Double($0) }
private let filled: [Double] = Array(ramp[..<240]) + [Double](repeating: 7, count: 120)
private let colour: [Double] = small.flatMap { value -> [Double] in [value, 255 - value, (value / 2).rounded(.down)] }
private let planes: [Double] = (0..<3).flatMap { z -> [Double] in
  let page = Array(small[120 * z..<120 * z + 120])
  return page + page.map { 255 - $0 } + page.map { ($0 / 2).rounded(.down) }
}
private let half: [Double] = (0..<90).map { place -> Double in
  let (z, y, x) = (place / 30, place / 6 % 5, place % 6)
  return Double(120 * z + 24 * y + 2 * x)
}

/// A fixture, and what a reader must find in it.
struct Case: Sendable, CustomTestStringConvertible {
  let file: String
  var shape = [3, 10, 12]
  let values: [Double]
  let type: ElementType
  var axes: String? = nil
  var spacing: [String]? = nil

  var testDescription: String { file }
}

private let u16 = ElementType.integer(bits: 16, signed: false)
private let u8 = ElementType.integer(bits: 8, signed: false)
private let i16 = ElementType.integer(bits: 16, signed: true)
private let f32 = ElementType.float(bits: 32)

private let tiffs: [Case] = [
  Case(file: "u8.tif", values: small, type: u8, axes: "iyx"),
  Case(file: "u16-big-endian.tif", values: ramp, type: u16, axes: "iyx"),
  Case(file: "i16-lzw.tif", values: lowered, type: i16, axes: "iyx"),
  Case(
    file: "u32-deflate.tif", values: raised, type: .integer(bits: 32, signed: false), axes: "iyx"),
  Case(file: "i32-packbits.tif", values: negative, type: .integer(bits: 32, signed: true), axes: "iyx"),
  Case(file: "f16.tif", values: real, type: .float(bits: 16), axes: "iyx"),
  Case(file: "f32-tiled.tif", values: real, type: f32, axes: "iyx"),
  Case(file: "f64-bigtiff.tif", values: real, type: .float(bits: 64), axes: "iyx"),
  Case(
    file: "rgb.tif", shape: [3, 10, 12, 3],
    values: colour, type: u8, axes: "iyxc"),
  Case(
    file: "rgb-planar.tif", shape: [3, 3, 10, 12],
    values: planes, type: u8, axes: "icyx"),
  Case(file: "bits.tif", values: multiples, type: u8, axes: "iyx"),
  Case(file: "centimetres.tif", values: ramp, type: u16, axes: "iyx", spacing: ["-", "4 µm", "2 µm"]),
  Case(file: "axes.tif", values: ramp, type: u16, axes: "zyx"),
  Case(file: "four.tif", shape: [3, 2, 5, 12], values: ramp, type: u16, axes: nil),
  Case(
    file: "ome.ome.tif", shape: [2, 3, 2, 4, 5], values: count240, type: u16, axes: "tzcyx",
    spacing: ["-", "0.05 µm", "-", "4 nm", "4 nm"]),
  Case(
    file: "imagej.tif", shape: [2, 3, 2, 4, 5], values: count240, type: u16, axes: "tzcyx",
    spacing: ["-", "0.5 µm", "-", "0.1 µm", "0.05 µm"]),
  Case(file: "two.ome.tif:0", values: ramp, type: u16, axes: "zyx"),
  Case(file: "two.ome.tif:1", shape: [10, 12], values: Array(small[..<120]), type: u8, axes: "yx"),
  Case(file: "mixed.tif:1", shape: [5, 12], values: Array(ramp[..<60]), type: u16, axes: "yx"),
  Case(file: "slices", values: ramp, type: u16, axes: "iyx"),
  Case(file: "slices/cut *.tif", values: ramp, type: u16, axes: "iyx"),
  Case(file: "slices/cut 1[01].tif", shape: [2, 10, 12], values: Array(ramp[120...]), type: u16, axes: "iyx"),
]

private let others: [Case] = [
  Case(file: "u16.npy", values: ramp, type: u16),
  Case(file: "f32-big-endian.npy", values: real, type: f32),
  Case(file: "f64-fortran.npy", values: real, type: .float(bits: 64)),
  Case(file: "bool.npy", values: multiples, type: .bool),
  Case(file: "i64.npy", values: lowered, type: .integer(bits: 64, signed: true)),
  Case(file: "f16.npy", values: real, type: .float(bits: 16)),
  Case(file: "version2.npy", values: ramp, type: u16),
  Case(file: "version3.npy", values: ramp, type: u16),
  Case(
    file: "mode0.mrc", values: signed, type: .integer(bits: 8, signed: true),
    axes: "zyx", spacing: ["50 Å", "4 Å", "4 Å"]),
  Case(
    file: "mode1.mrc", values: lowered, type: i16, axes: "zyx", spacing: ["50 Å", "4 Å", "4 Å"]),
  Case(file: "mode2.mrc", values: real, type: f32, axes: "zyx", spacing: ["50 Å", "4 Å", "4 Å"]),
  Case(file: "mode6.mrc", values: ramp, type: u16, axes: "zyx", spacing: ["50 Å", "4 Å", "4 Å"]),
  Case(file: "mode12.mrc", values: real, type: .float(bits: 16), axes: "zyx", spacing: ["50 Å", "4 Å", "4 Å"]),
  Case(file: "axes.mrc", values: ramp, type: u16, axes: "yxz"),
  Case(file: "stack.mrc", values: ramp, type: u16, axes: "iyx"),
  Case(file: "i16.nii", values: ramp, type: i16, axes: "zyx", spacing: ["2 mm", "0.5 mm", "0.4 mm"]),
  Case(file: "i16.nii.gz", values: ramp, type: i16, axes: "zyx", spacing: ["2 mm", "0.5 mm", "0.4 mm"]),
  Case(file: "scaled.nii", values: real, type: .float(bits: 64), axes: "zyx"),
  Case(file: "f32.nii2.nii", values: real, type: f32, axes: "zyx"),
  Case(file: "u8.png", shape: [10, 12], values: Array(small[..<120]), type: u8, axes: "yx"),
  Case(file: "u16.png", shape: [10, 12], values: Array(ramp[240...]), type: u16, axes: "yx"),
  Case(
    file: "rgb.png", shape: [10, 12, 3], values: Array(colour[..<360]),
    type: u8, axes: "yxc"),
  Case(file: "bits.png", shape: [10, 12], values: Array(multiples[..<120]), type: u8, axes: "yx"),
  Case(file: "v04.zarr:0", values: ramp, type: u16, axes: "zyx", spacing: ["0.05 µm", "0.004 µm", "0.004 µm"]),
  Case(
    file: "v04.zarr:1", shape: [3, 5, 6],
    values: half, type: u16, axes: "zyx",
    spacing: ["0.05 µm", "0.008 µm", "0.008 µm"]),
  Case(file: "v05.zarr:0", values: ramp, type: u16, axes: "zyx", spacing: ["0.05 µm", "0.004 µm", "0.004 µm"]),
  Case(
    file: "v05.zarr:1", shape: [3, 5, 6],
    values: half, type: u16, axes: "zyx"),
  Case(file: "sharded.zarr", values: real, type: f32, axes: "zyx", spacing: ["0.05 µm", "0.004 µm", "0.004 µm"]),
  Case(file: "gzip.zarr", values: filled, type: u16),
  Case(file: "zstd.zarr", values: filled, type: u16),
  Case(file: "plain.zarr", values: filled, type: u16),
  Case(file: "fortran.zarr", values: filled, type: u16),
]

private let hdf5s: [Case] = [
  Case(file: "filters.h5:/scaleoffset", values: ramp, type: u16),
  Case(file: "filters.h5:/deflate", values: ramp, type: u16),
  Case(file: "filters.h5:/big-endian", values: real, type: f32),
  Case(file: "filters.h5:/bool", values: multiples, type: .bool),
  Case(
    file: "filters.h5:/enum", values: ramp.map { $0.truncatingRemainder(dividingBy: 3) },
    type: .enumeration(bits: 8)),
  Case(file: "filters.h5:/f16", values: real, type: .float(bits: 16)),
  Case(file: "nxdata.h5", values: ramp, type: u16, axes: "zyx", spacing: ["50 nm", "4 nm", "4 nm"]),
  Case(file: "nxtomo.h5", values: ramp, type: u16),
  Case(file: "exchange.h5", values: ramp, type: u16),
]

@Suite("Formats")
struct FormatTests {
  @Test("what users' packages wrote is read with its values, type, axes and spacing", arguments: tiffs + others + hdf5s)
  func all(_ expected: Case) throws {
    let array = try fixture(expected.file)
    #expect(array.shape == expected.shape)
    #expect(array.facts.elementType == expected.type)
    #expect(array.facts.axes == expected.axes)
    if let spacing = expected.spacing { #expect(array.facts.spacing.map { $0?.description ?? "-" } == spacing) }
    #expect(try array.read(as: Double.self) == expected.values)
  }

  @Test("regions with strides are read as they are cut from the whole", arguments: tiffs + others + hdf5s)
  func regions(_ expected: Case) throws {
    let array = try fixture(expected.file)
    let shape = expected.shape
    for step in 1...3 {
      let start = shape.map { $0 > 2 ? 1 : 0 }
      let count = zip(shape, start).map { ($0 - $1 - 1) / step + 1 }
      let slab = Hyperslab(start: start, count: count, stride: shape.map { _ in step })
      let steps = StridedCopy.steps(of: shape, size: 1)
      let wanted = (0..<slab.elements).map { number in
        var (rest, place) = (number, 0)
        for axis in shape.indices.reversed() {
          place += (start[axis] + rest % count[axis] * step) * steps[axis]
          rest /= count[axis]
        }
        return expected.values[place]
      }
      #expect(try array.read(as: Double.self, slab) == wanted)
    }
  }

  @Test("numbers that the wanted type cannot hold are refused, others converted")
  func conversion() throws {
    #expect(try fixture("u16.npy").read(as: Int32.self) == ramp.map { Int32($0) })
    #expect(try fixture("mode2.mrc").read(as: Float.self) == real.map { Float($0) })
    for name in ["u16.npy", "i64.npy", "f16.npy"] {
      #expect(
        message { _ = try fixture(name).read(as: UInt8.self) }
          .hasSuffix("and a value does not fit the type that was asked for."))
    }
  }

  @Test("the array that a layout of HDF5 means is found without its name")
  func layouts() throws {
    let scratch = try Scratch()
    func found(_ name: String, _ write: (File) throws -> Void) throws -> String? {
      let file = try File(creating: "\(scratch.folder)/\(name).h5")
      try write(file)
      try file.close()
      return try ArrayFile.open(scratch.location("\(name).h5")).0.dataset
    }
    let values = [UInt16](0..<24)
    func put(_ file: File, _ path: String) throws -> Dataset { try file.write(values, shape: [2, 3, 4], to: path) }
    // Names beside the only array are no arrays.
    #expect(
      try found("texts") {
        _ = try put($0, "x")
        try $0.write(["a", "b"], to: "classes")
      } == "/x")
    // NXtomo as a part of an entry, with a signal that the default attributes do not lead to.
    #expect(
      try found("part") {
        _ = try put($0, "entry1/tomo_entry/instrument/detector/data")
        try $0.write([0.0, 1], to: "entry1/tomo_entry/sample/rotation_angle")
      } == "/entry1/tomo_entry/instrument/detector/data")
    // The only NXdata of a file, in both forms of NeXus.
    for (name, isOld) in [("nxdata-old", true), ("nxdata-new", false)] {
      #expect(
        try found(name) {
          let dataset = try put($0, "scan/measured/counts")
          try $0.write([0.0, 1], to: "scan/measured/angle")
          try $0.write([0.0, 1], to: "scan/monitor/angle")
          let group = try $0.group("scan/measured")
          try group.setAttribute("NX_class", "NXdata")
          if isOld { try dataset.setAttribute("signal", 1) } else { try group.setAttribute("signal", "counts") }
        } == "/scan/measured/counts", "\(name)")
    }
    // Of two, neither is meant.
    #expect(
      message {
        _ = try found("two") {
          for name in ["a", "b"] {
            _ = try put($0, "\(name)/counts")
            let group = try $0.group(name)
            try group.setAttribute("NX_class", "NXdata")
            try group.setAttribute("signal", "counts")
          }
        }
      }.contains("name one, as in"))
  }

  @Test("with an OME-Zarr image its labels are told")
  func labels() throws {
    let scratch = try Scratch()
    func node(_ path: String, _ json: String) throws {
      let folder = "\(scratch.folder)/a.zarr" + (path.isEmpty ? "" : "/\(path)")
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      let isArray = json.contains("shape")
      try json.write(toFile: folder + (isArray ? "/.zarray" : "/.zattrs"), atomically: true, encoding: .utf8)
      if !isArray { try #"{"zarr_format": 2}"#.write(toFile: folder + "/.zgroup", atomically: true, encoding: .utf8) }
      if isArray { try Data([1, 2, 3, 4]).write(to: URL(fileURLWithPath: folder + "/0.0")) }
    }
    let array =
      #"{"zarr_format": 2, "shape": [2, 2], "chunks": [2, 2], "dtype": "|u1", "compressor": null, "fill_value": 0, "#
      + #""order": "C", "filters": null}"#
    let image =
      #"{"multiscales": [{"version": "0.4", "axes": [{"name": "y", "type": "space"}, {"name": "x", "type": "space"}], "#
      + #""datasets": [{"path": "0"}]}]}"#
    try node("", image)
    try node("0", array)
    try node("labels", #"{"labels": ["cells"]}"#)
    try node("labels/cells", image)
    try node("labels/cells/0", array)
    let told = try ArrayFile.summaries(of: scratch.location("a.zarr"))
    #expect(told.map { $0.location.dataset } == ["0", "labels/cells/0"])
    #expect(told.map(\.mean) == [2.5, 2.5])
    #expect(try ArrayFile.summaries(of: scratch.location("a.zarr:labels/cells")).count == 1)
  }

  @Test("a range has six digits")
  func digits() {
    let numbers: [(Double, String)] = [
      (0, "0"), (3, "3"), (-250000, "-250000"), (1.0 / 3, "0.333333"), (0.10000000149011612, "0.1"),
      (1234567.25, "1.23457e+06"), (-0.00001234567, "-1.23457e-05"),
    ]
    for (number, text) in numbers { #expect(ArraySummary.text(number) == text) }
  }

  @Test("a half-precision number is read exactly")
  func halves() {
    for (bits, value) in [
      (0, 0), (0x8000, -0.0), (1, 0x1p-24), (0x03FF, 1023 * 0x1p-24), (0x0400, 0x1p-14), (0x3C00, 1), (0xC000, -2),
      (0x7BFF, 65504), (0x7C00, Float.infinity),
    ] as [(UInt16, Float)] {
      #expect(ElementConversion.single(fromHalf: bits) == value)
    }
    #expect(ElementConversion.single(fromHalf: 0x7E00).isNaN)
  }
}
