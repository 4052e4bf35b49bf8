/// A value that not all ranks have alike.
public struct RankDifference: Hashable, Sendable, CustomStringConvertible {
  /// What the value is of.
  public let name: String
  /// The ranks whose value is another than that of most ranks (of equally many: than that of the lowest rank), ascending.
  public let ranks: [Int]

  /// ‘labels: rank 1’, ‘labels: ranks 1, 3’.
  public var description: String {
    "\(name): \(ranks.count == 1 ? "rank" : "ranks") \(ranks.map(String.init).joined(separator: ", "))"
  }
}

extension Communicator {
  /// Whether all ranks have the same hash; true on all of them or on none. Collective (`MPI_Allreduce`).
  ///
  /// - Throws: `MPIError`.
  public func allAgree(on hash: UInt64) throws -> Bool {
    // The largest of a number and of its complement are each other's complement only when all numbers are equal.
    let extremes = try allReduce([hash, ~hash], .maximum)
    return extremes[0] == ~extremes[1]
  }

  /// Compares named values over all ranks, and tells which ranks differ in which. Collective (`MPI_Allgatherv`).
  ///
  /// Use it before work that goes wrong when ranks do not share their files, settings or program: the caller can name what
  /// differs and where.
  ///
  /// - Parameter values: hashes of what is to be the same, each name once. A name that some ranks do not have differs.
  /// - Returns: the same on all ranks; empty when all agree. In the order of the lowest rank that has the name.
  /// - Throws: `MPIError`.
  /// - Complexity: O(*ranks* · *values*) memory on every rank.
  public func differences(among values: [(name: String, hash: UInt64)]) throws -> [RankDifference] {
    let names = try allGather(Array(values.map(\.name).joined(separator: "\0").utf8))
    let hashes = try allGather(values.map(\.hash))
    var order: [String] = []
    var known: [String: [UInt64?]] = [:]
    for rank in 0..<size where !hashes[rank].isEmpty {
      let split = names[rank].split(separator: 0, omittingEmptySubsequences: false)
      for (name, hash) in zip(split, hashes[rank]) {
        let name = String(decoding: name, as: UTF8.self)
        if known[name] == nil { order.append(name) }
        known[name, default: Array(repeating: nil, count: size)][rank] = hash
      }
    }
    return order.compactMap { name in
      let found = known[name] ?? []
      var votes: [UInt64?: Int] = [:]
      for hash in found { votes[hash, default: 0] += 1 }
      let most = votes.values.max() ?? 0
      guard most < size, let usual = found.first(where: { votes[$0] == most }) else { return nil }
      return RankDifference(name: name, ranks: found.indices.filter { found[$0] != usual })
    }
  }
}
