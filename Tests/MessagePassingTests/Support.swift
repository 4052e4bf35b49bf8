import Testing

@testable import MessagePassing

/// A fresh communicator of all ranks that gives MPI at most `bytes` a call, so that small data are split too.
@MainActor
func everyone(bytesPerCall bytes: Int = 1 << 30) throws -> Communicator {
  let all = try MPI.initialize().duplicate()
  all.bytesPerCall = bytes
  return all
}

/// The sizes of MPI calls that the tests run with: everything at once, a few elements, one element.
let bytesPerCall = [1 << 30, 24, 1]
