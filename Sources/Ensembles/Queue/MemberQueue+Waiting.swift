import Host
import MessagePassing

#if canImport(Glibc)
  import Glibc
#endif

// How a rank waits for others: it serves until they are there.

extension MemberQueue {
  /// Has ranks reported that have not been heard of for a while, and ranks that wait for others for longer than that.
  ///
  /// - Parameters:
  ///   - limit: longer than a step takes, since ranks say between steps that they work. The same on all ranks.
  ///   - report: called on rank 0, once for each silence; when rank 0 is the silent one (`Stall.isOfRoot`), on every
  ///     rank that waits.
  public func watchForStalls(after limit: Duration, report: @escaping (Stall) -> Void) {
    stalls = StallWatch(ranks: communicator.size, limit: limit)
    onStall = report
  }

  /// Has ranks taken for lost that have not been heard of for longer still. To be called after `watchForStalls`.
  ///
  /// - Parameters:
  ///   - limit: longer than any step takes, and than the limit of a stall. The same on all ranks.
  ///   - end: ends the run; called on rank 0, or when rank 0 is lost on the ranks that wait, with the lost ranks and what
  ///     each was last known to do.
  public func watchForLosses(after limit: Duration, end: @escaping ([(rank: Int, doing: String)]) -> Void) {
    stalls?.lossLimit = limit
    onLoss = end
  }

  /// Serves until `isDone`, and leaves the core to others in between.
  ///
  /// - Parameter wait: nil: this rank has no work, and may wait for as long as others have some.
  func wait(for wait: Wait?, until isDone: () throws -> Bool) throws {
    guard try !isDone() else { return }
    let trace = timeline?.start()
    defer { if let trace { timeline?.end(.wait, trace) } }
    let start = ContinuousClock.now
    var patience = Patience()
    repeat {
      if let wait { try serve(waiting: wait, since: start) } else { try serve() }
      if ContinuousClock.now - start < .milliseconds(20) { patience.wait() } else { usleep(500) }
    } while try !isDone()
  }

  /// Waits for an operation that has been started on all ranks that it concerns.
  func finish(_ request: consuming Request, _ wait: Wait) throws {
    var request = request
    try self.wait(for: wait) { try request.test() }
  }

  /// The numbers that a communicator's first rank gives, on all its ranks. Collective.
  func broadcast(_ numbers: [Int], over communicator: Communicator, _ wait: Wait) throws -> [Int] {
    guard communicator.size > 1 else { return numbers }
    let first = communicator.rank == 0
    var count = numbers.count
    try withUnsafeMutablePointer(to: &count) {
      try finish(
        try communicator.startBroadcast(UnsafeMutableBufferPointer(start: $0, count: 1), from: 0), wait)
    }
    guard count > 0 else { return [] }
    var result = first ? numbers : Array(repeating: 0, count: count)
    try result.withUnsafeMutableBufferPointer {
      try finish(try communicator.startBroadcast($0, from: 0), wait)
    }
    return result
  }

  /// Waits until all ranks that are to form a crew have come, so that none of them waits in the call that makes their
  /// communicator. Collective over `ranks`, the leader first.
  func assemble(_ ranks: [Int]) throws {
    guard ranks[0] == communicator.rank else {
      try communicator.send([0], to: ranks[0], tag: Tag.here)
      try take(Tag.go, from: ranks[0])
      return
    }
    for rank in ranks.dropFirst() { try take(Tag.here, from: rank) }
    for rank in ranks.dropFirst() { try communicator.send([0], to: rank, tag: Tag.go) }
  }

  private func take(_ tag: Int, from rank: Int) throws {
    try wait(for: Wait(.forming, ranks: [rank])) {
      try communicator.probeNow(Int.self, from: rank, tag: tag) != nil
    }
    _ = try communicator.receive(Int.self, from: rank, tag: tag)
  }

  /// Tells a crew its leader's next member; nil: none.
  func announce(_ member: Int?, to ranks: some Sequence<Int>) throws {
    for rank in ranks { try communicator.send([member ?? -1], to: rank, tag: Tag.announcement) }
  }

  /// What the leader of this rank's crew announces.
  func announcement(of leader: Int) throws -> Int? {
    try wait(for: Wait(.announcement, ranks: [leader])) {
      try communicator.probeNow(Int.self, from: leader, tag: Tag.announcement) != nil
    }
    let member = try communicator.receive(Int.self, from: leader, tag: Tag.announcement).values[0]
    return member < 0 ? nil : member
  }
}
