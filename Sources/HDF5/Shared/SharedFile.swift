import Host
import MessagePassing

/// A new HDF5 file that the ranks of a communicator write together: rank 0 the structure, each rank its own chunks.
///
/// Chunks are written without libhdf5: rank 0 finds room for them (`Dataset.place`), and the rank that has a chunk writes
/// it there. So a failed write leaves no rank inside a collective call of the library. Every round begins with what each
/// rank has to say, and a failure of one is an error of all in the same round.
///
///     let file = try SharedFile(creating: path, on: world)
///     let values = try file.createDataset("values", of: Float.self, shape: shape, layout: .chunked(chunk))
///     do {
///       for … { try file.write([try values.part(…)]) }
///       try file.finish()
///     } catch { try file.finish(failure: error) }
///
/// All calls are collective except `write`: ranks call it as often as they like, and `finish` waits for the others.
public final class SharedFile {
  /// What a rank says at the beginning of a round.
  private enum State: Int { case writes, isDone, failed }

  private let ranks: Communicator
  private let path: String
  private let team: ThreadTeam?
  /// On rank 0.
  private var file: File?
  /// On rank 0: the datasets in the order of their indices.
  private var datasets: [Dataset] = []
  private var count = 0
  /// Paths, element types, shapes and layouts of the datasets, in the order of creation: of files with the same text one
  /// takes the chunks of the other.
  public private(set) var form = ""
  private var chunks: ChunkFile?
  /// Whether the ranks have stopped together.
  private var hasEnded = false

  /// Objects begin at multiples of this, in bytes: on NFS, clients that write into one page overwrite each other.
  private static let page = 4096

  /// Creates a file, replacing one of that name. Collective.
  ///
  /// - Parameter team: threads that pack this rank's chunks; nil: the caller does it alone.
  /// - Throws: on all ranks `RemoteFailure` with the `HDF5Error` of a rank.
  public init(creating path: String, on ranks: Communicator, team: ThreadTeam? = nil) throws {
    self.ranks = ranks
    self.path = path
    self.team = team
    file = try ranks.agree {
      ranks.rank == 0 ? try File(creating: path, overwriting: true, alignment: Self.page) : nil
    }
    chunks = try ranks.agree { try ChunkFile(path) }
  }

  /// Creates a dataset with chunks, and missing groups on its path. Collective; all ranks pass the same.
  ///
  /// - Throws: on all ranks `RemoteFailure` with the `HDF5Error` of a rank.
  public func createDataset<Scalar: HDF5Scalar>(
    _ path: String, of type: Scalar.Type, shape: [Int], layout: Layout
  ) throws -> SharedDataset {
    let dataset = try ranks.agree {
      let shared = try SharedDataset(path, in: self.path, of: type, shape: shape, layout: layout, index: count)
      if let file {
        let dataset = try file.createDataset(path, of: type, shape: shape, layout: layout)
        guard try dataset.storesNumbersOfMemory(type) else {
          throw dataset.object.place.error(.wrongType, "ranks can share a dataset only of numbers as memory holds them")
        }
        datasets.append(dataset)
      }
      return shared
    }
    count += 1
    form += "\(path): \(type) \(shape) \(layout)\n"
    return dataset
  }

  /// Packs parts of datasets and writes them. Waits until the other ranks call `write` or `finish`.
  ///
  /// - Returns: where this rank's chunks are.
  /// - Throws: `RemoteFailure` when a rank failed, in this round or since the last one; then on all ranks.
  @discardableResult
  public func write(_ parts: [SharedDataset.Part]) throws -> [StoredChunk] {
    try round(.writes, try packed(parts)) ?? []
  }

  /// A packed chunk and the index of its dataset.
  private typealias OwnChunk = (dataset: Int, chunk: PackedChunk)

  /// Applies the filters of layouts.
  private func packed(_ parts: [SharedDataset.Part]) throws(HDF5Error) -> [OwnChunk] {
    var elements: [(elements: ChunkElements, filters: ChunkFilters)] = []
    for part in parts {
      if case .elements(let own, let filters) = part.chunks { elements += own.map { ($0, filters) } }
    }
    guard let filtered = ChunkFilters.pack(elements, on: team) else {
      throw Place(file: path).error(.call, "there is no memory to deflate a chunk")
    }
    var next = 0
    return parts.flatMap { part -> [OwnChunk] in
      switch part.chunks {
      case .packed(let chunks): return chunks.map { (part.dataset, $0) }
      case .elements(let own, _):
        defer { next += own.count }
        return filtered[next..<next + own.count].map { (part.dataset, $0) }
      }
    }
  }

  /// Takes part in the writes of the other ranks until all are done, closes the file and reads back what was written.
  ///
  /// - Parameter failure: why this rank does not write on; it becomes the failure of all.
  /// - Throws: `RemoteFailure` on all ranks when one failed; the file is then incomplete.
  public func finish(failure: (any Error)? = nil) throws {
    if hasEnded {
      if let failure { throw failure }
      return
    }
    while try round(failure == nil ? .isDone : .failed, [], failure) != nil {}
    try ranks.agree { try chunks?.flush() }
    try ranks.agree { try file?.close() }
    try ranks.agree { try chunks?.verify() }
  }

  /// One exchange between all ranks.
  ///
  /// - Returns: the chunks that this rank has written; nil when all ranks are done.
  private func round(
    _ state: State, _ own: [OwnChunk], _ failure: (any Error)? = nil
  ) throws -> [StoredChunk]? {
    let fault = failure ?? chunks?.failure
    let requests = own.map {
      Request(
        dataset: $0.dataset, bytes: $0.chunk.bytes.count, skippedFilters: Int($0.chunk.skippedFilters),
        start: $0.chunk.start)
    }
    let words = [(fault == nil ? state : .failed).rawValue] + requests.flatMap(\.words)
    let all = try ranks.allGather(words)
    if all.contains(where: { $0.first == State.failed.rawValue }) { try end(fault) }
    if all.allSatisfy({ $0.first == State.isDone.rawValue }) { return nil }
    let offsets = Result { ranks.rank == 0 ? try place(all) : [] }
    guard try ranks.broadcast((try? offsets.get()) == nil ? 0 : 1, from: 0) == 1 else {
      if case .failure(let error) = offsets { try end(error) }
      try end(nil)
      return nil
    }
    let places = try ranks.broadcast((try? offsets.get()) ?? [], from: 0)
    let first = all[..<ranks.rank].reduce(0) { $0 + Request.count(in: $1) }
    return own.enumerated().compactMap { index, own in
      chunks?.write(own.chunk, of: own.dataset, at: places[first + index])
    }
  }

  /// Finds room for the chunks of all ranks, in the order of ranks.
  private func place(_ all: [[Int]]) throws -> [Int] {
    try all.flatMap { words in
      try Request.read(words).map { request in
        try datasets[request.dataset].place(
          chunkAt: request.start, bytes: request.bytes, skippedFilters: UInt32(request.skippedFilters))
      }
    }
  }

  /// Makes the failure of one rank that of all. Collective.
  private func end(_ fault: (any Error)?) throws {
    hasEnded = true
    try ranks.agree { if let fault { throw fault } }
  }
}

/// A chunk that a rank wants to write: what rank 0 must know of it.
private struct Request {
  var dataset: Int
  var bytes: Int
  var skippedFilters: Int
  var start: [Int]

  /// As words of a message.
  var words: [Int] { [3 + start.count, dataset, bytes, skippedFilters] + start }

  /// The requests of a rank, whose message begins with its state.
  static func read(_ words: [Int]) -> [Request] {
    var requests: [Request] = []
    var index = 1
    while index < words.count {
      let end = index + 1 + words[index]
      requests.append(
        Request(
          dataset: words[index + 1], bytes: words[index + 2], skippedFilters: words[index + 3],
          start: Array(words[index + 4..<end])))
      index = end
    }
    return requests
  }

  /// How many chunks a message tells of.
  static func count(in words: [Int]) -> Int { read(words).count }
}
