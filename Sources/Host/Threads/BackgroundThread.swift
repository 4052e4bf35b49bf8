import Dispatch

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// A thread that does one piece of work at a time while its owner, one thread, goes on. It starts with the first one.
///
/// Signals are left to the threads that the program knows of. Where the system starts no more threads, the owner does the
/// work itself.
public final class BackgroundThread {
  /// What owner and thread share; which of them may touch it the semaphores say.
  private final class Desk: @unchecked Sendable {
    let isGiven = DispatchSemaphore(value: 0)
    let isDone = DispatchSemaphore(value: 0)
    /// Nil when the thread is to end.
    var work: (@Sendable () throws -> Void)?
    var failure: (any Error)?

    /// Does what is given until there is nothing more.
    func run() {
      while true {
        isGiven.wait()
        guard let work else { return }
        perform(work)
        isDone.signal()
      }
    }

    func perform(_ work: @Sendable () throws -> Void) {
      do {
        try work()
        failure = nil
      } catch {
        failure = error
      }
      self.work = nil
    }
  }

  private let desk = Desk()
  private var isStarted = false
  /// Whether work was given whose end nobody has seen.
  private var isOut = false

  /// A thread that has nothing to do yet, and is not started.
  public init() {}

  deinit {
    if isOut { desk.isDone.wait() }
    if isStarted { desk.isGiven.signal() }
  }

  /// Whether it works.
  public var isBusy: Bool {
    guard isOut, desk.isDone.wait(timeout: .now()) == .success else { return isOut }
    desk.isDone.signal()
    return false
  }

  /// Gives it work; what was given before must have been waited for.
  public func start(_ work: @escaping @Sendable () throws -> Void) {
    precondition(!isOut, "a thread gets work when that before is done")
    isOut = true
    if isStarted || begin() {
      isStarted = true
      desk.work = work
      desk.isGiven.signal()
    } else {
      desk.perform(work)
      desk.isDone.signal()
    }
  }

  /// Waits until the work is done, if there is any.
  ///
  /// - Throws: what the work threw.
  public func finish() throws {
    guard isOut else { return }
    desk.isDone.wait()
    isOut = false
    defer { desk.failure = nil }
    if let failure = desk.failure { throw failure }
  }

  /// - Returns: whether the system has started the thread.
  private func begin() -> Bool {
    var (all, before) = (sigset_t(), sigset_t())
    sigfillset(&all)
    pthread_sigmask(SIG_SETMASK, &all, &before)
    defer { pthread_sigmask(SIG_SETMASK, &before, nil) }
    var thread = pthread_t()
    let own = Unmanaged.passRetained(desk)
    let code = pthread_create(
      &thread, nil,
      { desk in
        if let desk { Unmanaged<Desk>.fromOpaque(desk).takeRetainedValue().run() }
        return nil
      }, own.toOpaque())
    guard code == 0 else {
      own.release()
      return false
    }
    pthread_detach(thread)
    return true
  }
}
