import ArgumentParser
import Foundation
import MessagePassing

#if canImport(Glibc)
  import Glibc
#endif

/// Starts the program anew under `mpirun`, with the right binding, for those who do not know it.
enum Launcher {
  /// Replaces this process by `mpirun -n RANKS` of the same command without `--ranks`.
  ///
  /// - Throws: when ranks are running already, or `mpirun` cannot be started.
  static func relaunch(ranks: Int) throws {
    let environment = ProcessInfo.processInfo.environment
    guard environment["OMPI_COMM_WORLD_SIZE"] == nil, environment["PMIX_RANK"] == nil else {
      throw ValidationError("--ranks starts mpirun itself; leave it out under mpirun or srun.")
    }
    if getuid() == 0 {
      // Open MPI refuses root unless told twice; who calls this as root means it.
      setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 0)
      setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 0)
    }
    MPI.removeAbandonedRuns()
    let program =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    let arguments = ["mpirun", "-n", "\(ranks)", "--bind-to", "none", "--oversubscribe", program] + withoutRanks()
    var pointers = arguments.map { strdup($0) } + [nil]
    execvp("mpirun", &pointers)
    throw ValidationError(
      "mpirun cannot be started: \(String(cString: strerror(errno))). Install Open MPI (apt install openmpi-bin), "
        + "or leave --ranks out to run on one rank.")
  }

  /// The command's arguments without `--ranks N` or `--ranks=N`.
  private static func withoutRanks() -> [String] {
    var result: [String] = []
    var skip = false
    for argument in CommandLine.arguments.dropFirst() {
      if skip {
        skip = false
      } else if argument == "--ranks" {
        skip = true
      } else if !argument.hasPrefix("--ranks=") {
        result.append(argument)
      }
    }
    return result
  }
}
