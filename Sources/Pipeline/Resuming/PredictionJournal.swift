import Foundation
import HDF5
import Host
import MessagePassing

/// What each rank of a prediction has written, tile by tile: where the chunks are and what the tile added to sums.
///
/// Each rank appends to a file of its own. Nothing is flushed to the disk: whoever goes on from a tile compares its chunks
/// with their checksums, so it does not matter which of the two came there before the power went.
struct PredictionJournal {
  /// The chunks of a tile, and what it added.
  struct Entry {
    var tile: Int
    /// In the results, and in the file of what they do not hold exactly.
    var chunks: [StoredChunk]
    var exactChunks: [StoredChunk]
    var sums: ArraySlice<Int>

    /// As a record of numbers.
    var numbers: [Int] {
      [tile, chunks.count, exactChunks.count] + (chunks + exactChunks).flatMap(\.numbers) + sums
    }

    init(tile: Int, chunks: [StoredChunk], exactChunks: [StoredChunk], sums: [Int]) {
      (self.tile, self.chunks, self.exactChunks, self.sums) = (tile, chunks, exactChunks, sums[...])
    }

    /// Nil when a record is none of an entry.
    init?(_ numbers: [Int]) {
      guard numbers.count >= 3 else { return nil }
      var rest = numbers[3...]
      func take(_ count: Int) -> [StoredChunk]? {
        guard (0...rest.count).contains(count) else { return nil }
        let chunks = (0..<count).compactMap { _ in StoredChunk(taking: &rest) }
        return chunks.count == count ? chunks : nil
      }
      guard let chunks = take(numbers[1]), let exactChunks = take(numbers[2]) else { return nil }
      (tile, self.chunks, self.exactChunks, sums) = (numbers[0], chunks, exactChunks, rest)
    }
  }

  private let file: RecordFile

  /// Begins the journal of a prediction. Collective.
  ///
  /// - Parameters:
  ///   - folder: is made.
  ///   - identity: a hash of all that the prediction is made from.
  /// - Throws: `RemoteFailure` when a rank cannot.
  init(in folder: String, identity: UInt64, over world: Communicator) throws {
    try world.onRoot {
      try RunPaths.makeFolder(folder)
    }
    file = try world.agree {
      let file = try RecordFile(creating: folder + "/\(world.rank)")
      try file.append([Int(truncatingIfNeeded: identity)])
      return file
    }
  }

  /// Adds a tile whose chunks are written.
  ///
  /// - Throws: `FileError`.
  func add(_ entry: Entry) throws { try file.append(entry.numbers) }
}

extension PredictionJournal {
  /// The tiles of the journal of an earlier run.
  struct Index {
    /// Where the entry of a tile is: the journal of which rank, and where in it.
    struct Place: Hashable {
      var tile: Int
      var rank: Int
      var offset: Int
    }

    private let folder: String
    /// Ascending by tile.
    let places: [Place]

    /// Reads the journal of each rank that wrote one, each on one rank now. Collective.
    ///
    /// - Parameters:
    ///   - identity: entries of predictions of other ones are passed over.
    ///   - tiles: how many there are.
    init(of folder: String, identity: UInt64, tiles: Int, over world: Communicator) throws {
      self.folder = folder
      let names = try world.fromRoot(of: Int.self) {
        ((try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []).compactMap { Int($0) }.sorted()
      }
      var own: [Int] = []
      for rank in names.enumerated().filter({ $0.offset % world.size == world.rank }).map(\.element) {
        guard let reader = RecordFile.Reader(folder + "/\(rank)"), let head = reader.record(at: 0),
          head.numbers == [Int(truncatingIfNeeded: identity)]
        else { continue }
        var offset = head.next
        while let record = reader.record(at: offset) {
          if let tile = record.numbers.first, (0..<tiles).contains(tile) { own += [tile, rank, offset] }
          offset = record.next
        }
      }
      let all = try world.allGather(own).flatMap { $0 }
      let found = stride(from: 0, to: all.count, by: 3).map {
        Place(tile: all[$0], rank: all[$0 + 1], offset: all[$0 + 2])
      }
      var places: [Place] = []
      for place in found.sorted(by: { ($0.tile, $0.rank, $0.offset) < ($1.tile, $1.rank, $1.offset) })
      where places.last?.tile != place.tile {
        places.append(place)
      }
      self.places = places
    }

    /// Reads the entry at a place; nil when it cannot be read.
    func entry(_ place: Place) -> Entry? {
      RecordFile.Reader(folder + "/\(place.rank)")?.record(at: place.offset).flatMap { Entry($0.numbers) }
    }
  }
}
