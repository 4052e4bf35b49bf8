/// The processes of a run were not started as ranks of one MPI world.
public enum LaunchError: Error, Equatable, CustomStringConvertible {
  /// `srun` or a batch script started `tasks` processes, but MPI sees only `ranks` of them.
  case tasksWithoutRanks(tasks: Int, ranks: Int, isStep: Bool)
  /// Open MPI in a version that this was not made for.
  case unknownOpenMPI(major: Int)
  /// The library cannot be called from a process that has threads.
  case noThreads(library: String)
  /// MPI cannot be started a second time in one process.
  case alreadyFinalized

  public var description: String {
    switch self {
    case .tasksWithoutRanks(let tasks, let ranks, isStep: true):
      """
      Slurm started \(tasks) tasks (SLURM_NTASKS), but MPI sees a world of \(ranks): each task would do the whole \
      work alone. This Open MPI does not speak the process interface (PMI) that srun offered. \
      Start with ‘srun --mpi=pmix’ (‘srun --mpi=list’ shows what there is), or with ‘mpirun’ in the batch script.
      """
    case .tasksWithoutRanks(let tasks, let ranks, isStep: false):
      """
      This Slurm job has \(tasks) tasks (SLURM_NTASKS), but MPI sees a world of \(ranks): the program was started \
      without srun or mpirun. Start it with ‘srun --mpi=pmix’ or ‘mpirun’; \
      for one rank on purpose, unset SLURM_NTASKS first.
      """
    case .unknownOpenMPI(let major):
      """
      This was built with Open MPI \(major), but is known to work with 4 and 5 only. \
      Put the pkg-config folder of one of these first in PKG_CONFIG_PATH and build again.
      """
    case .noThreads(let library):
      """
      This MPI library (\(library)) was built without support for threads (MPI_THREAD_FUNNELED). \
      Use one that has it, and build again.
      """
    case .alreadyFinalized:
      "MPI has been finalized, and cannot be started again in the same process."
    }
  }

  /// What can be known before MPI starts: a task of `srun` that was offered no process interface at all.
  ///
  /// Some builds of Open MPI end the process with a message of their own when started so.
  static func beforeStart(_ variable: (String) -> String?) -> LaunchError? {
    let interfaces = ["PMIX_NAMESPACE", "PMIX_RANK", "PMI_RANK", "PMI_FD", "PMI2_RANK"]
    guard variable("SLURM_STEP_ID") != nil, interfaces.allSatisfy({ variable($0) == nil }) else { return nil }
    return missingRanks(worldSize: 1, variable)
  }

  static func afterStart(
    worldSize: Int, compiledFor major: Int, library: String, _ variable: (String) -> String?
  ) -> LaunchError? {
    if major != 0, !(4...5).contains(major) { return .unknownOpenMPI(major: major) }
    return missingRanks(worldSize: worldSize, variable)
  }

  private static func missingRanks(worldSize: Int, _ variable: (String) -> String?) -> LaunchError? {
    // An mpirun inside the job may take fewer ranks than there are tasks: that is the caller's wish.
    guard variable("OMPI_COMM_WORLD_SIZE") == nil else { return nil }
    guard let tasks = variable("SLURM_NTASKS").flatMap({ Int($0) }), tasks > worldSize else { return nil }
    let isStep = variable("SLURM_STEP_ID") != nil
    guard isStep || variable("SLURM_PROCID") != nil else { return nil }
    return .tasksWithoutRanks(tasks: tasks, ranks: worldSize, isStep: isStep)
  }
}
