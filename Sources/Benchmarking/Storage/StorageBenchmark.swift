import Foundation
import HDF5
import Host
import ImageFiles
import MessagePassing

/// How fast ranks write a dataset as predictions are written and read it as images are read, beside plain calls of the
/// system for the same bytes in the same folder.
public struct StorageBenchmark: Hashable, Sendable, Encodable {
  /// Ranks that write and read.
  public let ranks: Int
  /// Bytes of the dataset, without packing.
  public let bytes: Int
  /// Chunks written together with what makes them last (`fsync`), and read back by the same ranks to compare checksums, as
  /// `SharedFile` does.
  public let writeSeconds: Double
  /// The bytes written by `pwrite` to one file, each rank its part, and `fsync`.
  public let plainWriteSeconds: Double
  /// Chunks of a dataset without checksums read as parts of an array, each rank its share.
  public let readSeconds: Double
  /// The bytes read by `pread`.
  public let plainReadSeconds: Double
  /// Bytes over time, of the dataset.
  public let writeGigabytesPerSecond: Double
  /// Bytes over time, of the dataset.
  public let readGigabytesPerSecond: Double
  /// Plain time over that of the dataset: 1 is as fast.
  public let writeRatio: Double
  /// Plain time over that of the dataset: 1 is as fast.
  public let readRatio: Double

  private enum CodingKeys: String, CodingKey {
    case ranks, bytes
    case writeSeconds = "write_s"
    case plainWriteSeconds = "plain_write_s"
    case readSeconds = "read_s"
    case plainReadSeconds = "plain_read_s"
    case writeGigabytesPerSecond = "write_gb_per_s"
    case readGigabytesPerSecond = "read_gb_per_s"
    case writeRatio = "write_ratio"
    case readRatio = "read_ratio"
  }

  /// A tile of 128×128×64 numbers: 4 MiB.
  private static let tile = [64, 128, 128]
  private static let tileBytes = 4 * 64 * 128 * 128

  /// Turns of both ways, each first in every other: a disk that was fast for a while may be slow for what comes next.
  private static let turns = 4

  /// Measures. Collective over `world`. Three files of a quarter of the size are made in the folder and removed, four times.
  ///
  /// - Parameter gigabytes: of the dataset, in units of 1,000,000,000 bytes; rounded up to whole tiles for every rank and turn.
  /// - Throws: `RemoteFailure` with what keeps a rank from it, as `FileError`, `HDF5Error`.
  public init(gigabytes: Double, folder: String, over world: Communicator) throws {
    ranks = world.size
    let each = max(1, Int((gigabytes * 1e9 / Double(Self.tileBytes * ranks * Self.turns)).rounded(.up)))
    bytes = each * ranks * Self.tileBytes * Self.turns
    let mine = world.rank * each..<(world.rank + 1) * each
    // Numbers that look like no others, so that nothing on the way packs them; every tile has the same.
    var random = RandomStream(seed: 7, purpose: .init("storage benchmark"))
    let values = (0..<Self.tileBytes / 4).map { _ in Float(random.uniform()) }
    func path(_ name: String) throws -> String {
      let stamp = try world.broadcast(Int(ProcessInfo.processInfo.processIdentifier), from: 0)
      return "\(folder)/tutti-bench-\(stamp).\(name)"
    }
    let (plain, results, images) = (try path("bin"), try path("results.h5"), try path("images.h5"))
    let paths = [plain, results, images]
    defer {
      if world.rank == 0 { for path in paths { _ = unlink(path) } }
    }
    let raw = values.withUnsafeBytes { Array($0) }
    let writers = [
      { try PlainFile.with(plain, O_CREAT | O_WRONLY) { try PlainFile.write(raw, mine, to: $0) } },
      { try Self.write(values, mine, of: each * world.size, to: results, over: world) },
    ]
    let buffer = AlignedBuffer<Float>(count: values.count)
    let readers = [
      { try PlainFile.with(plain, O_RDONLY) { try PlainFile.read(mine, into: buffer, from: $0) } },
      {
        let array = try ArrayFile.open(ArrayLocation(file: images, dataset: "/values")).1
        for tile in mine { try array.read(into: buffer.buffer, Self.slab(tile)) }
        guard buffer.pointer[1] == values[1] else { throw BenchmarkError.otherBytes(images) }
      },
    ]
    var (writing, reading) = ([0.0, 0.0], [0.0, 0.0])
    for turn in 0..<Self.turns {
      let order = turn.isMultiple(of: 2) ? [0, 1] : [1, 0]
      try world.onRoot { for path in paths { _ = unlink(path) } }
      for way in order { writing[way] += try Self.slowest(world, writers[way]) }
      try world.onRoot { try Self.write(values, tiles: each * world.size, asInstruments: images) }
      // What the system still has in memory is not what a disk gives.
      try world.agree { for path in paths { try PlainFile.forget(path) } }
      for way in order { reading[way] += try Self.slowest(world, readers[way]) }
    }
    (plainWriteSeconds, writeSeconds) = (writing[0], writing[1])
    (plainReadSeconds, readSeconds) = (reading[0], reading[1])
    writeGigabytesPerSecond = Double(bytes) / writeSeconds / 1e9
    readGigabytesPerSecond = Double(bytes) / readSeconds / 1e9
    writeRatio = plainWriteSeconds / writeSeconds
    readRatio = plainReadSeconds / readSeconds
  }

  /// Seconds of the slowest rank. Collective.
  private static func slowest(_ world: Communicator, _ body: () throws -> Void) throws -> Double {
    try world.barrier()
    return try world.allReduce(world.agree { try Stopwatch.seconds(body) }, .maximum)
  }

  /// Writes tiles one after the other, without checksums, as instruments do.
  private static func write(_ values: [Float], tiles: Int, asInstruments path: String) throws {
    let file = try File(creating: path)
    let dataset = try file.createDataset(
      "values", of: Float.self, shape: [tiles * tile[0]] + tile.dropFirst(),
      layout: .chunked(tile, deflate: nil, shuffle: false))
    for tile in 0..<tiles { try dataset.write(values, slab(tile)) }
    try file.close()
  }

  /// Writes tiles as predictions are written. Collective.
  private static func write(
    _ values: [Float], _ tiles: Range<Int>, of count: Int, to path: String, over world: Communicator
  ) throws {
    let shared = try SharedFile(creating: path, on: world)
    let dataset = try shared.createDataset(
      "values", of: Float.self, shape: [count * tile[0]] + tile.dropFirst(),
      layout: .chunked(tile, deflate: nil, shuffle: false, checksum: true))
    do {
      for tile in tiles { try shared.write([try dataset.part(values, slab(tile))]) }
    } catch {
      try shared.finish(failure: error)
    }
    try shared.finish()
  }

  private static func slab(_ tile: Int) -> Hyperslab {
    Hyperslab(start: [tile * self.tile[0], 0, 0], count: self.tile)
  }
}

extension StorageBenchmark: CustomStringConvertible {
  public var description: String {
    func line(_ seconds: Double, _ plain: Double, _ ratio: Double) -> String {
      "\(seconds.text(2)) s, \((Double(bytes) / seconds / 1e9).text(2)) GB/s; plain \(plain.text(2)) s, "
        + "\((Double(bytes) / plain / 1e9).text(2)) GB/s: \(ratio.percent) of plain"
    }
    return Report.lines([
      ("ranks", "\(ranks)"), ("bytes", "\(bytes / 1_000_000) MB"),
      ("write", line(writeSeconds, plainWriteSeconds, writeRatio)),
      ("read", line(readSeconds, plainReadSeconds, readRatio)),
    ])
  }
}

/// A file as the system has it.
private enum PlainFile {
  /// The system's code of a call that failed.
  private struct Failure: Error {
    let code: Int32
  }

  static func with(_ path: String, _ flags: Int32, _ body: (Int32) throws -> Void) throws {
    let descriptor = open(path, flags | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw FileError(path: path, action: "opened", code: errno) }
    do {
      try body(descriptor)
    } catch {
      _ = close(descriptor)
      guard let code = (error as? FileTransfer.Failure)?.code ?? (error as? Failure)?.code else { throw error }
      throw FileError(path: path, action: "written or read", code: code)
    }
    guard close(descriptor) == 0 else { throw FileError(path: path, action: "closed", code: errno) }
  }

  /// Writes the same bytes at each of some places, and flushes them to the disk.
  static func write(_ bytes: [UInt8], _ places: Range<Int>, to descriptor: Int32) throws {
    for place in places { try FileTransfer.write(bytes, to: descriptor, at: place * bytes.count) }
    guard fsync(descriptor) == 0 else { throw Failure(code: errno) }
  }

  static func read(_ places: Range<Int>, into buffer: AlignedBuffer<Float>, from descriptor: Int32) throws {
    let bytes = UnsafeMutableRawBufferPointer(buffer.buffer)
    for place in places {
      let count = try FileTransfer.read(descriptor, at: place * bytes.count, into: bytes)
      guard count == bytes.count else { throw Failure(code: EIO) }
    }
  }

  /// Asks the system to keep none of a file in memory.
  static func forget(_ path: String) throws {
    try with(path, O_RDONLY) { descriptor in
      // What is not on the disk yet stays in memory.
      guard fsync(descriptor) == 0 else { throw Failure(code: errno) }
      let code = posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED)
      guard code == 0 else { throw Failure(code: code) }
    }
  }
}
