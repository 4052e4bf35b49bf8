import CKernels
import Glibc

/// A persistent team of threads, of which the caller is one.
///
/// Work is cut into pieces by shape, never by the number of threads; the team only decides who does which piece when. All
/// threads, the caller among them, compute with the same floating-point environment: round to nearest, denormals as zero.
/// A waiting thread spins for some microseconds, then sleeps. A run allocates nothing.
public final class ThreadTeam: @unchecked Sendable {
  /// The number of threads, the caller included.
  public let size: Int
  /// How the calling thread spends its time.
  public let timeline = Timeline()
  private let team: OpaquePointer

  /// Starts `size` - 1 threads.
  ///
  /// - Parameters:
  ///   - pinned: bind each thread but the caller's to a core of its own. Only when the process's core mask has exactly
  ///     `size` cores and no other rank shares it; else it does nothing.
  ///   - spin: how long a thread waits before it sleeps.
  /// - Throws: `ThreadTeamError` when the system starts no more threads.
  public init(size: Int, pinned: Bool = false, spin: Duration = .microseconds(50)) throws(ThreadTeamError) {
    precondition(size >= 1, "a team has at least one thread")
    self.size = size
    var cores: [Int32]?
    if pinned && size > 1 {
      let mask = HostFacts.affinity()
      if mask.count == size { cores = mask.map(Int32.init) }
    }
    var team: OpaquePointer?
    let nanoseconds = spin.components.seconds * 1_000_000_000 + spin.components.attoseconds / 1_000_000_000
    let code = tutti_team_create(&team, Int32(size), nanoseconds, cores)
    guard code == 0, let team else { throw ThreadTeamError(size: size, code: code) }
    self.team = team
  }

  deinit { tutti_team_destroy(team) }

  /// Calls `body` once for every piece in 0 ..< `count`, on all threads of the team, and returns when all are done.
  ///
  /// Every thread begins with its share of the pieces, which depends on `count` alone, in ascending order; then it takes
  /// what is left of the others' shares. A single piece is done by the caller.
  ///
  /// - Parameter body: gets the piece and the number of the thread that does it, below `size`. It runs on several
  ///   threads at a time, and must not use the team itself.
  public func run(count: Int, _ body: (_ piece: Int, _ thread: Int) -> Void) {
    let code = teamRun(team, count, body)
    precondition(code == 0, "a ThreadTeam is used within its own run, or by two threads at once")
  }
}

/// Runs the closure's pieces on the team: 0, or `EBUSY` when it is running already.
///
/// The C function has Swift's calling convention and gets the closure as Swift passes it. A closure that is handed to C in
/// the documented ways is first copied to the heap (`withoutActuallyEscaping`), once for every run.
@_silgen_name("tutti_team_run")
private func teamRun(_ team: OpaquePointer, _ count: Int, _ body: (Int, Int) -> Void) -> Int32

/// The system refused to start the threads of a team.
public struct ThreadTeamError: Error, Equatable, CustomStringConvertible {
  /// The number of threads asked for.
  public let size: Int
  /// The system's error code.
  public let code: Int32

  public var description: String {
    """
    a team of \(size) threads cannot be started: \(String(cString: strerror(code))). \
    Lower the number of threads (OMP_NUM_THREADS), or raise the limit on processes (ulimit -u).
    """
  }
}

extension ThreadTeam {
  /// The number of threads that a rank should use.
  ///
  /// What the job says comes first, then `OMP_NUM_THREADS`, then the cores of the rank's mask divided among the ranks
  /// whose masks overlap it, but not more than these ranks' share of the control group's processor time.
  ///
  /// - Parameters:
  ///   - ranks: the ranks on the node, this one included, whose masks overlap this rank's mask.
  ///   - asked: the number that the job asks for, if it does.
  public static func defaultSize(
    for facts: HostFacts, ranksOnNodeWithOverlappingMask ranks: Int, asked: Int? = nil
  ) -> Int {
    precondition(ranks >= 1, "a rank overlaps itself")
    if let asked, asked > 0 { return asked }
    if let threads = facts.openMPThreads { return threads }
    var size = facts.cores.count / ranks
    if let quota = facts.processorQuota { size = min(size, Int(quota) / ranks) }
    return max(size, 1)
  }
}
