import Glibc

/// Seconds that work takes, by the monotonic clock.
enum Stopwatch {
  static func seconds(_ body: () throws -> Void) rethrows -> Double {
    let elapsed = try ContinuousClock().measure(body).components
    return Double(elapsed.seconds) + Double(elapsed.attoseconds) * 1e-18
  }

  /// The processor time of the whole program, in seconds: what runs beside it hardly matters.
  static var processorSeconds: Double {
    var time = timespec()
    guard clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { return .nan }
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
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
