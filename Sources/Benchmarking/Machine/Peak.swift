import CKernels

/// What one core does at most with the instruction set in use: the yardstick of kernels and steps.
public enum Peak {
  /// GFLOP/s of independent chains of multiply-adds in registers, on the calling thread: the best of some runs of a few
  /// milliseconds, since neighbours on the machine can only slow it down.
  public static func gflops() -> Double {
    var rounds: Int64 = 100_000
    var best = 0.0
    // The clock of a core that was idle, or has just begun with wide vectors, takes milliseconds to settle.
    for _ in 0..<12 {
      var operations = 0.0
      var sum: Float = 0
      let time = Stopwatch.seconds { operations = tutti_multiply_add_chains(rounds, &sum) }
      guard time > 0 else { continue }
      best = max(best, operations / time / 1e9)
      if time < 0.004 { rounds *= 2 }
    }
    return best
  }
}
