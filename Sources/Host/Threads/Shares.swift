/// A number of items divided among workers (ranks, threads): consecutive ranges, one for each worker, as equal as can be.
/// Where they do not divide evenly, the first workers have one unit more.
public struct Shares: Hashable, Sendable {
  /// The number of items.
  public let count: Int
  /// The number of workers.
  public let workers: Int
  /// The unit of the division, in items: every range begins at a multiple of it.
  public let unit: Int

  /// Divides `count` items among `workers`.
  ///
  /// - Parameter unit: the last range also takes the items beyond the last whole unit.
  public init(of count: Int, among workers: Int, unit: Int = 1) {
    precondition(count >= 0 && workers >= 1 && unit >= 1, "\(count) items in units of \(unit) among \(workers) workers")
    self.count = count
    self.workers = workers
    self.unit = unit
  }

  /// The items of a worker.
  public subscript(worker: Int) -> Range<Int> {
    precondition(0 <= worker && worker < workers, "worker \(worker) of \(workers)")
    return start(worker)..<start(worker + 1)
  }

  /// All ranges, in the order of workers.
  public var all: [Range<Int>] { (0..<workers).map { self[$0] } }

  /// The most items that a worker has.
  public var largest: Int { max(self[0].count, self[workers - 1].count) }

  private func start(_ worker: Int) -> Int {
    guard worker < workers else { return count }
    let (each, more) = (count / unit).quotientAndRemainder(dividingBy: workers)
    return (worker * each + min(worker, more)) * unit
  }
}
