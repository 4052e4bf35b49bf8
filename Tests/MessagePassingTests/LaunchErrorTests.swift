import Testing

@testable import MessagePassing

@Suite struct LaunchErrorTests {
  func fault(_ environment: [String: String], world: Int, openMPI: Int = 4) -> LaunchError? {
    LaunchError.afterStart(worldSize: world, compiledFor: openMPI, library: "test") { environment[$0] }
  }

  @Test("srun tasks that do not find each other are refused, with the cure")
  func srunWithoutInterface() throws {
    let error = try #require(fault(["SLURM_NTASKS": "4", "SLURM_STEP_ID": "0", "SLURM_PROCID": "1"], world: 1))
    #expect(error == .tasksWithoutRanks(tasks: 4, ranks: 1, isStep: true))
    #expect(error.description.contains("4 tasks"))
    #expect(error.description.contains("srun --mpi=pmix"))
  }

  @Test("a batch script that forgets srun and mpirun is told so")
  func batchWithoutLauncher() throws {
    let error = try #require(fault(["SLURM_NTASKS": "4", "SLURM_PROCID": "0"], world: 1))
    #expect(error == .tasksWithoutRanks(tasks: 4, ranks: 1, isStep: false))
    #expect(error.description.contains("without srun or mpirun"))
  }

  @Test("an srun without any process interface is refused before MPI starts")
  func beforeStart() {
    var environment = ["SLURM_NTASKS": "2", "SLURM_STEP_ID": "0", "SLURM_PROCID": "0"]
    #expect(
      LaunchError.beforeStart { environment[$0] } == .tasksWithoutRanks(tasks: 2, ranks: 1, isStep: true))
    environment["PMIX_RANK"] = "0"
    #expect(LaunchError.beforeStart { environment[$0] } == nil)
  }

  @Test("a world of all tasks, a single task, and a smaller mpirun inside a job are accepted")
  func accepted() {
    #expect(fault(["SLURM_NTASKS": "4", "SLURM_STEP_ID": "0", "SLURM_PROCID": "1"], world: 4) == nil)
    #expect(fault(["SLURM_NTASKS": "1", "SLURM_PROCID": "0"], world: 1) == nil)
    let inside = ["SLURM_NTASKS": "4", "SLURM_PROCID": "0", "OMPI_COMM_WORLD_SIZE": "2"]
    #expect(fault(inside, world: 2) == nil)
    #expect(fault([:], world: 1) == nil)
    #expect(fault(["SLURM_NTASKS": "4"], world: 1) == nil, "an interactive allocation, started by hand")
  }

  @Test("Open MPI 4 and 5 and other libraries are accepted, other versions of Open MPI are not")
  func versions() {
    #expect([0, 4, 5].allSatisfy { fault([:], world: 1, openMPI: $0) == nil })
    #expect(fault([:], world: 1, openMPI: 3) == .unknownOpenMPI(major: 3))
    #expect(fault([:], world: 1, openMPI: 6) == .unknownOpenMPI(major: 6))
  }
}
