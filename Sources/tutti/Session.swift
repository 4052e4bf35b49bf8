import Foundation
import HDF5
import JobFiles
import MessagePassing
import Pipeline

#if canImport(Glibc)
  import Glibc
#endif

/// One process's part in a run over all ranks: MPI from start to end, and errors as one message from one rank.
enum Session {
  /// Runs `body`; does not return when it fails.
  static func run(_ body: (Communicator) throws -> Void) throws {
    do {
      // Shared memory that a killed run left would be missing now.
      if number(["OMPI_COMM_WORLD_LOCAL_RANK", "SLURM_LOCALID"]) == 0 { MPI.removeAbandonedRuns() }
      try Library.open()
      let world = try MPI.initialize()
      do {
        try body(world)
      } catch {
        fail(error, rank: world.rank)
      }
    } catch {
      // Before MPI is up there are no ranks to agree; only the first speaks.
      if launchedRank == 0 { say(error) }
      exit(1)
    }
  }

  /// Runs `body` in this process alone, without MPI; does not return when it fails.
  static func alone(_ body: () throws -> Void) {
    do {
      try body()
    } catch {
      say(error)
      exit(1)
    }
  }

  /// This process's number among those started together, as `mpirun` or `srun` tells it before MPI is up; 0 when alone.
  static var launchedRank: Int { number(["OMPI_COMM_WORLD_RANK", "PMIX_RANK", "SLURM_PROCID"]) }

  /// The number that the first of these environment variables holds; 0 when none does.
  private static func number(_ names: [String]) -> Int {
    let environment = ProcessInfo.processInfo.environment
    return names.lazy.compactMap { environment[$0].flatMap { Int($0) } }.first ?? 0
  }

  /// Ends the program with a message from one rank and a failure for all.
  private static func fail(_ error: any Error, rank: Int) -> Never {
    StopSignal.fallSilent()
    switch error {
    case let failure as RemoteFailure:
      if failure.reports { say(failure.underlying ?? failure) }
      exit(1)
    case RunError.stopped:
      if rank == 0 { say(error) }
      exit(StopSignal.exitStatus)
    case is RunError:
      // Thrown on all ranks alike.
      if rank == 0 { say(error) }
      exit(1)
    default:
      // Perhaps this rank's alone, so it ends all. Perhaps all ranks': then the first is given the word.
      if rank > 0 { usleep(300_000) }
      say(error)
      MPI.abort("", code: 1)
    }
  }

  /// Says a line on standard error.
  static func note(_ text: String) { FileHandle.standardError.write(Data("tutti: \(text)\n".utf8)) }

  private static func say(_ error: any Error) {
    let lines = "\(error)".split(separator: "\n", omittingEmptySubsequences: false)
    // Each line of a job's problems is a message of its own; others go on under their first line.
    let isList = error is JobError
    let text = lines.enumerated().map { ($0.offset == 0 || isList ? "tutti: " : "       ") + $0.element }
    FileHandle.standardError.write(Data((text.joined(separator: "\n") + "\n").utf8))
    LogFile.write("\(error)")
  }

  /// Prints what a command ends with, and keeps it in the run's log.
  static func tell(_ text: String) {
    print(text)
    LogFile.write(text)
  }
}
