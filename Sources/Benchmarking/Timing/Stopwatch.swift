/// Seconds that work takes, by the monotonic clock.
enum Stopwatch {
  static func seconds(_ body: () throws -> Void) rethrows -> Double {
    let elapsed = try ContinuousClock().measure(body).components
    return Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
  }

  /// The times of at least `repetitions` runs that together take `atLeast` seconds, ascending, after one run that does
  /// not count.
  static func sorted(repetitions: Int, atLeast: Double = 0, _ body: () throws -> Void) rethrows -> [Double] {
    try body()
    var times: [Double] = []
    var total = 0.0
    while times.count < repetitions || total < atLeast {
      let time = try seconds(body)
      times.append(time)
      total += time
    }
    return times.sorted()
  }

  /// The middle of ascending times; of an even number the upper one, so that it is a time that was measured.
  static func median(_ sorted: [Double]) -> Double { sorted[sorted.count / 2] }
}
