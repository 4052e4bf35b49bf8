import Host
import ImageFiles
import MessagePassing

/// The threads of this rank, and what is known of where all ranks run.
struct Workers {
  let team: ThreadTeam
  /// Whether some ranks take turns on cores, so that what each takes for a step says little.
  let sharesCores: Bool
  /// The kind of processor that this rank runs on.
  let processor: String
  /// The different kinds of processors that the ranks run on.
  let processors: [String]
  let ranksOnNode: Int

  /// Starts the threads. Collective.
  ///
  /// - Parameter threads: of this rank; nil: its share of the node's cores.
  /// - Throws: `MPIError`, and on all ranks what keeps one of them from starting threads.
  init(threads: Int?, over world: Communicator, log: Log) throws {
    let facts = HostFacts.detect()
    processor = facts.processorKind
    processors = Set(try world.allGather(processor)).sorted()
    if world.rank == 0, processors.count > 1 {
      log.note(
        "the ranks run on unequal processors (\(processors.joined(separator: "; "))): bits may differ from those of one "
          + "kind, and between runs whose ranks lie otherwise.")
    }
    let node = try world.splitNodeLocal()
    ranksOnNode = node.size
    let overlapping = max(1, try node.allGather(facts.cores).count { HostFacts.overlap(facts.cores, $0) })
    let size = threads ?? ThreadTeam.defaultSize(for: facts, ranksOnNodeWithOverlappingMask: overlapping)
    team = try world.agree { try ThreadTeam(size: size) }
    ArrayFile.threads = size
    sharesCores = try world.allReduce(node.size * team.size > facts.allowedCores.count ? 1 : 0, .maximum) == 1
    if world.rank == 0, threads == nil, facts.openMPThreads == nil, facts.cores.count < facts.allowedCores.count,
      node.size * facts.cores.count < facts.allowedCores.count
    {
      log.note(
        "\(facts.allowedCores.count) cores are allowed but the ranks are bound to \(node.size * facts.cores.count); "
          + "start with ‘mpirun --bind-to none’ or ‘--map-by slot:PE=n’, or ‘tutti run --ranks N’, to use them all.")
    }
  }
}
