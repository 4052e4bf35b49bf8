import Ensembles
import Foundation
import HDF5
import Host
import MessagePassing

/// Looks at the ranks and the nodes that they run on before work: whether they run the same program, have cores of their
/// own, see the same files, and how fast they exchange data.
///
/// All methods are collective. What fails on one rank is a finding, not an error.
public struct Doctor {
  /// One thing that was looked at.
  public struct Finding: Hashable, Sendable, Encodable {
    /// How it stands.
    public enum State: String, Sendable, Encodable {
      case ok
      /// Runs go, but not as well as they could, or with less certainty.
      case warning
      /// Runs fail.
      case problem
    }

    public var state: State
    /// What was looked at, in a word or two.
    public var subject: String
    /// What was found.
    public var text: String
    /// What to do; empty when there is nothing to do.
    public var remedy: String

    /// A finding as given.
    public init(_ state: State, _ subject: String, _ text: String, remedy: String = "") {
      (self.state, self.subject, self.text, self.remedy) = (state, subject, text, remedy)
    }

    /// One line, and under it the remedy.
    public var lines: String {
      let first = Self.padded(state.rawValue, 9) + Self.padded(subject, 15) + text
      return remedy.isEmpty ? first : first + "\n" + Self.padded("", 24) + remedy
    }

    private static func padded(_ text: String, _ width: Int) -> String {
      text + String(repeating: " ", count: max(1, width - text.count))
    }
  }

  /// What a job needs, by its plan.
  public struct Need: Hashable, Sendable {
    /// Bytes of a rank's memory.
    public var memory: Int
    /// Bytes of members, checkpoints and results.
    public var disk: Int

    /// A need as given.
    public init(memory: Int, disk: Int) { (self.memory, self.disk) = (memory, disk) }
  }

  let world: Communicator
  /// The folder of the results.
  let folder: String
  let threads: Int?
  let need: Need?

  /// - Parameters:
  ///   - folder: where results are to be written.
  ///   - threads: of each rank; nil: its share of the cores.
  ///   - need: nil: no job is asked about.
  public init(over world: Communicator, folder: String, threads: Int? = nil, need: Need? = nil) {
    self.world = world
    self.folder = folder
    self.threads = threads
    self.need = need
  }

  /// Everything that there is to be looked at, in order. Collective.
  ///
  /// - Throws: `MPIError`.
  public func findings() throws -> [Finding] {
    var findings = try programs()
    findings += try processors()
    findings += try binding()
    findings += try clocks()
    findings += try memory()
    let files = try sharedFiles()
    findings += files
    findings += try space()
    // Without a folder that all see there is nothing to write together.
    if !files.contains(where: { $0.state == .problem }) { findings += try parallelWrite() }
    findings += try exchange()
    return findings
  }

  /// Texts of all ranks.
  func texts(_ own: String) throws -> [String] {
    try world.allGather(Array(own.utf8)).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The ranks on which texts are others than on rank 0.
  private func others(_ texts: [String]) -> [Int] { texts.indices.filter { texts[$0] != texts[0] } }

  static func names(_ ranks: [Int]) -> String {
    let shown = ranks.prefix(8).map(String.init).joined(separator: ", ")
    return (ranks.count == 1 ? "rank " : "ranks ") + shown + (ranks.count > 8 ? ", …" : "")
  }

  // MARK: Programs and processors

  private func programs() throws -> [Finding] {
    let hdf5 = (try? File.libraryVersion()) ?? "unknown"
    let versions = try texts("tutti \(tuttiVersion), \(MPI.libraryVersion()), HDF5 \(hdf5)")
    let hosts = try texts(try MPI.processorName())
    let nodes = Set(hosts).count
    let hashes = try texts("\(Program.hash())")
    let count = "\(world.size) \(world.size == 1 ? "rank" : "ranks") on \(nodes) \(nodes == 1 ? "node" : "nodes")"
    var findings = [Finding(.ok, "ranks", "\(count): \(Set(hosts).sorted().prefix(8).joined(separator: ", "))")]
    let differing = others(versions)
    if !differing.isEmpty {
      findings.append(
        Finding(
          .problem, "versions", "\(Self.names(differing)) have \(versions[differing[0]]), rank 0 has \(versions[0])",
          remedy: "Load the same modules on all nodes."))
    } else {
      findings.append(Finding(.ok, "versions", versions[0]))
    }
    let programs = others(hashes)
    findings.append(
      programs.isEmpty
        ? Finding(.ok, "program", "the same file on all ranks")
        : Finding(
          .problem, "program", "another file on \(Self.names(programs)) (\(hosts[programs[0]])) than on rank 0",
          remedy: "Install the same build on all nodes."))
    return findings
  }

  private func processors() throws -> [Finding] {
    let kinds = Set(try texts(HostFacts.detect().processorKind)).sorted()
    guard kinds.count > 1 else { return [Finding(.ok, "processors", kinds[0])] }
    return [
      Finding(
        .warning, "processors", "unequal: \(kinds.joined(separator: "; "))",
        remedy: "Bits may differ from those of one kind; ask for nodes of one kind (sbatch --constraint).")
    ]
  }

  private func binding() throws -> [Finding] {
    let facts = HostFacts.detect()
    let node = try world.splitNodeLocal()
    let overlapping = max(1, try node.allGather(facts.cores).count { HostFacts.overlap(facts.cores, $0) })
    let own = threads ?? ThreadTeam.defaultSize(for: facts, ranksOnNodeWithOverlappingMask: overlapping)
    let total = try node.allReduce(own, .sum)
    let cores = Set(try node.allGather(facts.cores).joined()).count
    let allowed = facts.allowedCores.count
    /// Threads on a node, cores that its ranks may use, and cores that are allowed.
    let all = try world.allGather([total, cores, allowed])
    if let crowded = all.first(where: { $0[0] > $0[1] }) {
      return [
        Finding(
          .problem, "binding", "\(crowded[0]) threads share \(crowded[1]) cores of a node",
          remedy: "Fewer ranks or threads (--threads, OMP_NUM_THREADS), or more cores for each task (--cpus-per-task).")
      ]
    }
    if let idle = all.first(where: { $0[0] < $0[2] }) {
      return [
        Finding(
          .warning, "binding", "\(idle[0]) threads on a node, where \(idle[2]) cores are allowed",
          remedy: "mpirun --bind-to none or --map-by slot:PE=N, srun --cpus-per-task, or more ranks.")
      ]
    }
    let most = all.map { $0[0] }.max() ?? own
    return [Finding(.ok, "binding", "\(most) \(most == 1 ? "thread" : "threads") on \(all[0][1]) cores of a node")]
  }

  private func clocks() throws -> [Finding] {
    try world.barrier()
    let times = try world.allGather(Date().timeIntervalSince1970)
    let apart = (times.max() ?? 0) - (times.min() ?? 0)
    let text = String(format: "%.3f s apart", apart)
    return [
      apart < 2
        ? Finding(.ok, "clocks", text)
        : Finding(
          .warning, "clocks", text,
          remedy: "Logs of several nodes cannot be compared; have the nodes run NTP or chrony.")
    ]
  }

  private func memory() throws -> [Finding] {
    let node = try world.splitNodeLocal()
    let free = HostFacts.detect().memory.least.map { Int(clamping: $0) } ?? Int.max
    let each = try world.allReduce(free == .max ? Int.max : free / node.size, .minimum)
    guard each < .max else { return [Finding(.ok, "memory", "no limit is known")] }
    let text = "\(Self.size(each)) for each rank"
    guard let need else { return [Finding(.ok, "memory", text)] }
    return [
      need.memory <= each
        ? Finding(.ok, "memory", "\(text); the job needs \(Self.size(need.memory))")
        : Finding(
          .problem, "memory", "\(text); the job needs \(Self.size(need.memory))",
          remedy: "Fewer ranks a node, more memory (--mem-per-cpu), or a smaller batch or patch.")
    ]
  }

  // MARK: Exchange

  /// Every rank sends to the next one and receives from the one before.
  private func exchange() throws -> [Finding] {
    guard world.size > 1 else { return [Finding(.ok, "exchange", "one rank exchanges nothing")] }
    func seconds(count: Int, rounds: Int) throws -> Double {
      let own = AlignedBuffer<Float>(count: count)
      let other = AlignedBuffer<Float>(count: count)
      var best = Double.infinity
      for _ in 0..<rounds {
        try world.barrier()
        let start = ContinuousClock.now
        let receive = try world.startReceive(
          into: UnsafeMutableBufferPointer(start: other.pointer, count: count),
          from: (world.rank + world.size - 1) % world.size)
        let send = try world.startSend(
          UnsafeBufferPointer(start: UnsafePointer(own.pointer), count: count), to: (world.rank + 1) % world.size)
        _ = try receive.wait()
        _ = try send.wait()
        best = min(best, (ContinuousClock.now - start) / .seconds(1))
      }
      return withExtendedLifetime((own, other)) { best }
    }
    let small = try world.allGather(try seconds(count: 1, rounds: 50)).max() ?? 0
    let count = 1 << 21
    let rates = try world.allGather(try seconds(count: count, rounds: 4)).map { Double(4 * count) / $0 / 1e9 }
    let slowest = rates.indices.min { rates[$0] < rates[$1] } ?? 0
    let text = String(
      format: "%.2f GB/s from rank to rank at least (to rank %d), %.0f µs for a small message", rates[slowest], slowest,
      1e6 * small)
    guard rates[slowest] < 0.2 || small > 0.002 else { return [Finding(.ok, "exchange", text)] }
    return [
      Finding(
        .warning, "exchange", text,
        remedy:
          "One rank a member (ensemble.ranks-per-member: 1) exchanges little; else see that MPI takes the fast network "
          + "(--mca btl_tcp_if_include, UCX), and that ranks do not share cores.")
    ]
  }

  /// Bytes for people.
  static func size(_ bytes: Int) -> String {
    bytes >= 1_000_000_000
      ? String(format: "%.1f GB", Double(bytes) / 1e9) : String(format: "%.1f MB", Double(bytes) / 1e6)
  }
}
