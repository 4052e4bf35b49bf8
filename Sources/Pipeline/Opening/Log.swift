import Ensembles

/// Where a run's messages go: lines for the user, and how far it is.
public struct Log {
  /// Takes a message for the user.
  public var note: (String) -> Void
  /// Takes a warning of this rank alone, which is shown whatever rank it is.
  public var warn: (String) -> Void
  /// Tells how far a member's training is; called on rank 0.
  public var progress: (MemberQueue.Progress) -> Void
  /// A stage began or went on, of which this part is done; called on rank 0.
  public var stage: (RunStage, Double) -> Void = { _, _ in }
  /// What the job has to do: operations of its stages, members, and those of them that are trained; called on rank 0.
  public var plan: ([RunStage: Double], _ members: Int, _ trained: Int) -> Void = { _, _, _ in }
  /// The folder of the results is there and is this run's, and so is the place of a file that keeps what is said; called
  /// on all ranks.
  public var keep: (_ path: String) -> Void = { _ in }

  /// A log that hands over to closures.
  public init(
    note: @escaping (String) -> Void, warn: ((String) -> Void)? = nil,
    progress: @escaping (MemberQueue.Progress) -> Void
  ) {
    self.note = note
    self.warn = warn ?? note
    self.progress = progress
  }

  /// A log that drops everything.
  public static var silent: Log { Log(note: { _ in }, progress: { _ in }) }
}
