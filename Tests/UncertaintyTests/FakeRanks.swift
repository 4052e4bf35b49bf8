import Foundation

@testable import Uncertainty

/// Threads that play ranks: every one runs `body` with its index and a sum over all of them.
func onRanks<T: Sendable>(
  _ count: Int, _ body: @Sendable @escaping (_ rank: Int, _ sum: IntegerSum) throws -> T
) -> [Result<T, any Error>] {
  let meeting = Meeting(count)
  let results = Results<T>(count)
  let threads = (0..<count).map { rank in
    Thread { results.set(rank, Result { try body(rank) { values in values = meeting.sum(values) } }) }
  }
  for thread in threads { thread.start() }
  return results.wait()
}

/// Where ranks wait for each other's numbers.
private final class Meeting: @unchecked Sendable {
  private let condition = NSCondition()
  private let count: Int
  private var arrived = 0
  private var round = 0
  private var total: [Int64] = []
  private var finished: [Int64] = []

  init(_ count: Int) { self.count = count }

  func sum(_ values: [Int64]) -> [Int64] {
    condition.lock()
    defer { condition.unlock() }
    total = arrived == 0 ? values : zip(total, values).map(+)
    arrived += 1
    let mine = round
    if arrived == count {
      (finished, arrived, round) = (total, 0, round + 1)
      condition.broadcast()
    }
    while round == mine { condition.wait() }
    return finished
  }
}

private final class Results<T: Sendable>: @unchecked Sendable {
  private let condition = NSCondition()
  private var values: [Result<T, any Error>?]

  init(_ count: Int) { values = Array(repeating: nil, count: count) }

  func set(_ rank: Int, _ value: Result<T, any Error>) {
    condition.lock()
    defer { condition.unlock() }
    values[rank] = value
    condition.broadcast()
  }

  func wait() -> [Result<T, any Error>] {
    condition.lock()
    defer { condition.unlock() }
    while values.contains(where: { $0 == nil }) { condition.wait() }
    return values.compactMap { $0 }
  }
}

/// What a single rank passes for the sum.
func alone(_ values: inout [Int64]) {}

/// Splits an array into contiguous parts of random sizes, empty ones too.
func parts<T>(of values: [T], count: Int, using random: inout some RandomNumberGenerator) -> [[T]] {
  let cuts = [0] + (1..<count).map { _ in Int.random(in: 0...values.count, using: &random) }.sorted() + [values.count]
  return (0..<count).map { Array(values[cuts[$0]..<cuts[$0 + 1]]) }
}
