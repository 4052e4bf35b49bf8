import CKernels
import Foundation

private let instructionSetInUse = NSRecursiveLock()

/// The instruction sets that this processor has, the portable one first.
let instructionSets: [String] = instructionSetInUse.withLock {
  let chosen = String(cString: tutti_isa())
  defer { tutti_set_isa(chosen) }
  return ["portable", "avx2", "avx512"].filter { tutti_set_isa($0) }
}

/// Whether the kernels of an instruction set use fused multiply-adds.
func fuses(_ instructionSet: String) -> Bool {
  #if arch(x86_64)
    return instructionSet != "portable"
  #else
    return true
  #endif
}

/// Runs `body` with the kernels of one instruction set; tests that force one wait for each other.
func withInstructionSet<Result>(_ name: String, _ body: () throws -> Result) rethrows -> Result {
  try instructionSetInUse.withLock {
    let chosen = String(cString: tutti_isa())
    defer { tutti_set_isa(chosen) }
    precondition(tutti_set_isa(name))
    return try body()
  }
}
