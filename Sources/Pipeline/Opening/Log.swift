import Ensembles

/// Where a run's messages go: lines for the user, and the progress of training.
public struct Log {
  /// Takes a message for the user.
  public var note: (String) -> Void
  /// Takes a warning of this rank alone, which is shown whatever rank it is.
  public var warn: (String) -> Void
  /// A member's epoch ended; called on rank 0.
  public var progress: (MemberQueue.Progress) -> Void

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
