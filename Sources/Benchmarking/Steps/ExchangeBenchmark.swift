import Engine
import Ensembles
import Host
import MessagePassing

/// How fast the ranks sum gradients: the exchange that training uses, and the MPI library's own all-reduce beside it.
public struct ExchangeBenchmark: Hashable, Sendable, Encodable {
  /// Ranks that exchange.
  public let ranks: Int
  /// Bytes of the gradients of one rank.
  public let bytes: Int
  /// Exchanges that are timed; two more go before.
  public let repetitions: Int
  /// Whether the ranks exchange through shared memory; else by messages.
  public let sharesMemory: Bool
  /// The median time of the slowest rank, from when all ranks have their gradients until all ranks have the sum.
  public let seconds: Double
  /// Payload over time.
  public let gigabytesPerSecond: Double
  /// The median time of the slowest rank for `MPI_Allreduce` in place.
  public let librarySeconds: Double
  /// Payload over time of `MPI_Allreduce`.
  public let libraryGigabytesPerSecond: Double

  private enum CodingKeys: String, CodingKey {
    case ranks, bytes, repetitions
    case sharesMemory = "shared_memory"
    case seconds = "exchange_s"
    case gigabytesPerSecond = "gb_per_s"
    case librarySeconds = "library_s"
    case libraryGigabytesPerSecond = "library_gb_per_s"
  }

  /// Measures. Collective over `world`.
  ///
  /// - Throws: `ThreadTeamError`, `MPIError`.
  public init(megabytes: Int, repetitions: Int, over world: Communicator) throws {
    let count = megabytes * 250_000
    let team = try ThreadTeam(size: 1)
    let memory = try NodeMemory(floats: count, over: world)
    let group = GroupReduction(world, ranks: Array(0..<world.size), shards: world.size, memory: memory)
    guard let exchange = group.gradientExchange else { preconditionFailure("a group exchanges gradients") }
    let gradients = exchange.storage(count: count)
    let own = AlignedBuffer<Float>(count: count)
    for index in 0..<count { own.pointer[index] = Float((index &* 7 &+ world.rank) % 13) }
    let bucket = 1 << 18
    var times: [Double] = []
    var libraryTimes: [Double] = []
    for _ in 0..<repetitions + 2 {
      _ = group.begin(shards: world.size)
      gradients.update(from: own.pointer, count: count)
      for first in stride(from: 0, to: count, by: bucket) { exchange.add(first..<min(count, first + bucket)) }
      try world.barrier()
      times.append(try world.allReduce(Stopwatch.seconds { exchange.finish(team: team) }, .maximum))
      if let failure = group.failure { throw failure }
      try world.barrier()
      let seconds = try Stopwatch.seconds { try world.allReduce(own.buffer, .sumInAnyOrder) }
      libraryTimes.append(try world.allReduce(seconds, .maximum))
    }
    sharesMemory = memory.isShared
    try memory.free()
    ranks = world.size
    bytes = 4 * count
    self.repetitions = repetitions
    seconds = Stopwatch.median(times.dropFirst(2).sorted())
    librarySeconds = Stopwatch.median(libraryTimes.dropFirst(2).sorted())
    gigabytesPerSecond = Double(bytes) / seconds / 1e9
    libraryGigabytesPerSecond = Double(bytes) / librarySeconds / 1e9
  }
}

extension ExchangeBenchmark: CustomStringConvertible {
  public var description: String {
    Report.lines([
      ("ranks", "\(ranks), by \(sharesMemory ? "shared memory" : "messages")"),
      ("payload", "\(bytes / 1_000_000) MB"),
      ("exchange", "\((1000 * seconds).text(2)) ms, \(gigabytesPerSecond.text(2)) GB/s"),
      ("MPI_Allreduce", "\((1000 * librarySeconds).text(2)) ms, \(libraryGigabytesPerSecond.text(2)) GB/s"),
    ])
  }
}
