import Glibc
import Synchronization

/// The signals that ask this process to stop, or to save its state and go on.
///
/// A handler only notes the signal. Whoever works looks between two steps (`StopRequest`), saves and ends. Where
/// nothing looks, the handler itself ends the process, which has nothing to save then.
public enum StopSignal {
  /// The exit status of a run that was stopped and goes on when it is started again (`EX_TEMPFAIL` of sysexits.h).
  public static let exitStatus: CInt = 75

  /// The signal that asked this process to stop; 0 for none.
  private static let stop = Atomic<CInt>(0)
  /// How often saving was asked for.
  private static let saves = Atomic<Int>(0)
  /// Whether somebody looks between steps.
  private static let isWatched = Atomic<Bool>(false)
  private static let speaks = Atomic<Bool>(false)
  /// Seconds from the signal until the process ends, saved or not.
  private static let patience = Atomic<CUnsignedInt>(10)

  /// Listens to signals.
  ///
  /// - Parameters:
  ///   - stopping: those that ask to stop. A second `SIGINT` ends the process at once.
  ///   - saving: one that asks to save and go on; nil: none.
  ///   - patience: seconds after which a process that was asked to stop ends wherever it is.
  ///   - speaks: whether this process tells the user when the handler ends it.
  public static func listen(to stopping: [CInt], saving: CInt?, patience seconds: Int, speaks: Bool) {
    patience.store(CUnsignedInt(clamping: max(1, seconds)), ordering: .relaxed)
    self.speaks.store(speaks, ordering: .relaxed)
    // All that handlers use exists before them: making a global is not for a handler.
    _ = (stop.load(ordering: .relaxed), saves.load(ordering: .relaxed), isWatched.load(ordering: .relaxed), exitStatus)
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in stopping {
      sigaddset(&signals, number)
      handle(number) { StopSignal.take($0) }
    }
    if let saving {
      sigaddset(&signals, saving)
      handle(saving) { _ in _ = StopSignal.saves.add(1, ordering: .relaxed) }
    }
    handle(SIGALRM) { _ in StopSignal.end(late: true) }
    // Whoever started the program may have blocked them.
    pthread_sigmask(SIG_UNBLOCK, &signals, nil)
  }

  /// Runs `body`, which looks for signals between its steps; outside of it a signal ends the process at once.
  public static func watched<Result>(_ body: () throws -> Result) rethrows -> Result {
    isWatched.store(true, ordering: .relaxed)
    defer { isWatched.store(false, ordering: .relaxed) }
    return try body()
  }

  /// From here on a signal that ends this process says nothing: it ends with a message of its own, and whoever started it with
  /// others may end it first, as `mpirun` does when one of them has failed.
  public static func fallSilent() { speaks.store(false, ordering: .relaxed) }

  /// Whether this process was asked to stop.
  public static var isAsked: Bool { stop.load(ordering: .relaxed) != 0 }

  /// How often this process was asked to save its state.
  public static var savesAsked: Int { saves.load(ordering: .relaxed) }

  /// As the signal does that `listen` listens to; for tests.
  package static func ask() { stop.store(SIGTERM, ordering: .relaxed) }
  /// Forgets that this process was asked to stop; for tests.
  package static func forget() { stop.store(0, ordering: .relaxed) }

  // MARK: In handlers: nothing but what they may do

  private static func handle(_ number: CInt, _ handler: @escaping @convention(c) (CInt) -> Void) {
    var action = sigaction()
    action.__sigaction_handler.sa_handler = handler
    // Calls that were interrupted go on.
    action.sa_flags = SA_RESTART
    sigaction(number, &action, nil)
  }

  private static func take(_ number: CInt) {
    let earlier = stop.exchange(number, ordering: .relaxed)
    if earlier == SIGINT, number == SIGINT { end(late: true) }
    guard isWatched.load(ordering: .relaxed) else { end(late: false) }
    if earlier == 0 { _ = alarm(patience.load(ordering: .relaxed)) }
  }

  private static func end(late: Bool) -> Never {
    if speaks.load(ordering: .relaxed) {
      let text: StaticString =
        late
        ? "\ntutti: stopped before the step had ended. The same command goes on from the last checkpoint.\n"
        : "\ntutti: stopped. What is done is kept; the same command goes on from it.\n"
      _ = write(STDERR_FILENO, text.utf8Start, text.utf8CodeUnitCount)
    }
    _exit(exitStatus)
  }
}
