import HDF5
import Host
import ImageFiles

/// How fast an array is read from its file: all of it, from opening on, region by region into memory.
public struct ReadingBenchmark: Sendable, Codable, CustomStringConvertible {
  /// Where the array is.
  public let location: String
  /// The file's format.
  public let format: String
  /// The array's extents.
  public let shape: [Int]
  /// Bytes of the array in memory, as numbers of `type`.
  public let bytes: Int
  /// The type of the numbers in memory: that of the file, or the next that holds it.
  public let type: String
  /// Threads that unpack.
  public let threads: Int
  /// Of each reading.
  public let seconds: [Double]

  /// The shortest.
  public var best: Double { seconds.min() ?? .nan }

  /// Reads an array several times.
  ///
  /// - Parameter threads: nil: as many as a rank would use that is alone.
  /// - Throws: `ImageFileError`, `HDF5Error`.
  /// - Complexity: memory for all of the array.
  public init(_ location: ArrayLocation, repetitions: Int, threads: Int? = nil) throws {
    self.threads = threads ?? ThreadTeam.defaultSize(for: HostFacts.detect(), ranksOnNodeWithOverlappingMask: 1)
    ArrayFile.threads = self.threads
    let (found, array) = try ArrayFile.open(location)
    let type = NumberType(of: array.facts.elementType)
    let room = AlignedBuffer<UInt8>(count: array.shape.reduce(type.bytes, *))
    seconds = try (0..<repetitions).map { _ in
      try Stopwatch.seconds {
        let again = try ArrayFile.open(location).1
        try Self.read(again, as: type, into: UnsafeMutableRawBufferPointer(room.buffer))
      }
    }
    self.location = found.description
    (format, shape, bytes, self.type) = (array.facts.format, array.shape, room.count, "\(type)")
  }

  /// Reads all of an array, as many of its first axis at a time as chunks have or 64 MB hold.
  private static func read(
    _ array: any StoredArray, as type: NumberType, into bytes: UnsafeMutableRawBufferPointer
  ) throws {
    guard let count = array.shape.first, count > 0 else {
      return try array.read(Hyperslab(all: array.shape), as: type, into: bytes)
    }
    let size = bytes.count / count
    let chunk = array.facts.chunk?.first ?? 1
    let depth = max(1, (64 << 20) / max(1, size) / chunk) * chunk
    for first in stride(from: 0, to: count, by: depth) {
      var slab = Hyperslab(all: array.shape)
      (slab.start[0], slab.count[0]) = (first, min(depth, count - first))
      let part = UnsafeMutableRawBufferPointer(rebasing: bytes[first * size..<(first + slab.count[0]) * size])
      try array.read(slab, as: type, into: part)
    }
  }

  public var description: String {
    """
    \(location): \(format), \(shape), \(type)
      \(best.text(4)) s, \((Double(bytes) / best / 1e6).text(0)) MB/s, the best of \(seconds.count), on \(threads) threads
    """
  }
}
