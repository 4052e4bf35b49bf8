import CMPI
import Glibc
import Synchronization

/// The MPI library: its start, its end, and what it is.
///
/// MPI is started with `MPI_THREAD_FUNNELED`: every call of this module belongs on the main thread.
public enum MPI {
  private struct State {
    var world: Communicator?
    /// A duplicate of the world on which the ranks meet at exit, apart from all other messages.
    var farewell: Communicator?
    var isEnding = false
  }

  private static let state = Mutex(State())

  /// Seconds that a rank which exits with a failure waits for the others before it ends them.
  static let patienceAtFailure = 10.0

  /// Starts MPI (`MPI_Init_thread`) and returns the communicator of all ranks; later calls return the same one.
  ///
  /// Works without `mpirun` too, as one rank. A handler of the process's exit is registered: a rank that exits with
  /// status 0 waits for the others and calls `MPI_Finalize`; one that exits with a failure does so when the others
  /// come within ten seconds, and ends them (`MPI_Abort`) when they do not. So a tool may just return or `exit`.
  ///
  /// - Throws: `LaunchError` when the processes do not know of each other, `MPIError` when the library fails.
  @discardableResult
  public static func initialize() throws -> Communicator {
    try state.withLock { state in
      if let world = state.world {
        guard !state.isEnding else { throw LaunchError.alreadyFinalized }
        return world
      }
      var isStarted: CInt = 0
      try check("MPI_Initialized", MPI_Initialized(&isStarted))
      if isStarted == 0 {
        if let error = LaunchError.beforeStart(ProcessEnvironment.variable) { throw error }
        endAtCrashes()
        var provided: CInt = 0
        try check("MPI_Init_thread", cmpi_init_funneled(&provided))
        guard cmpi_is_funneled(provided) != 0 else { throw LaunchError.noThreads(library: libraryVersion()) }
      }
      let world = try Communicator(adopting: cmpi_comm_world(), isOwned: false)
      try check("MPI_Comm_set_errhandler", cmpi_comm_return_errors(cmpi_comm_self()))
      if let error = LaunchError.afterStart(
        worldSize: world.size, compiledFor: Int(cmpi_open_mpi_major()), library: libraryVersion(),
        ProcessEnvironment.variable)
      {
        throw error
      }
      if isStarted == 0 {
        state.farewell = try world.duplicate()
        on_exit({ status, _ in MPI.end(status: status) }, nil)
      }
      state.world = world
      return world
    }
  }

  /// Makes a crash end the process at once, so that `mpirun` ends the other ranks.
  ///
  /// Open MPI and the Swift runtime would print a trace. The first takes memory to do so, and waits for ever where the crash
  /// was in the allocator; the second starts a program that reads this process, takes long for one of this size, and may wait
  /// for ever too; the other ranks wait with it. Who wants traces sets `SWIFT_BACKTRACE` or `OMPI_MCA_opal_signal`.
  private static func endAtCrashes() {
    setenv("OMPI_MCA_opal_signal", "", 0)
    guard ProcessEnvironment.variable("SWIFT_BACKTRACE") == nil else { return }
    for number in [SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT] { signal(number, SIG_DFL) }
  }

  /// Whether MPI is started and not yet finalized.
  public static var isInitialized: Bool {
    var isStarted: CInt = 0
    var isFinalized: CInt = 0
    guard MPI_Initialized(&isStarted) == MPI_SUCCESS, MPI_Finalized(&isFinalized) == MPI_SUCCESS else { return false }
    return isStarted != 0 && isFinalized == 0
  }

  /// Waits for all ranks and ends MPI (`MPI_Finalize`); does nothing when it is not running or already ended.
  ///
  /// Not needed at the end of a process: see `initialize()`.
  public static func finalize() {
    end(status: 0)
  }

  /// The library's own words on its name and version (`MPI_Get_library_version`), the first line of them.
  public static func libraryVersion() -> String {
    let text = withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(MPI_MAX_LIBRARY_VERSION_STRING) + 1) {
      text in
      text.initialize(repeating: 0)
      var length: CInt = 0
      guard MPI_Get_library_version(text.baseAddress, &length) == MPI_SUCCESS else { return "" }
      return String(decoding: text.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
    return text.prefix { $0 != "\n" && $0 != "\0" }.description
  }

  /// The name of the node this rank runs on (`MPI_Get_processor_name`).
  ///
  /// - Throws: `MPIError`.
  public static func processorName() throws -> String {
    try withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(MPI_MAX_PROCESSOR_NAME) + 1) { text in
      text.initialize(repeating: 0)
      var length: CInt = 0
      try check("MPI_Get_processor_name", MPI_Get_processor_name(text.baseAddress, &length))
      return String(decoding: text.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
  }

  /// Prints `message` to the error stream and ends all ranks (`MPI_Abort`) with the exit status `code` (1 for 0).
  ///
  /// For what strikes one rank alone; `mpirun` adds words of its own. What all ranks can learn of together goes
  /// through `Communicator.agree(_:)`, which lets one rank report it and all end in order.
  public static func abort(_ message: String, code: CInt = 1) -> Never {
    let code = code == 0 ? 1 : code
    write(toErrorStream: message.hasSuffix("\n") ? message : message + "\n")
    state.withLock { $0.isEnding = true }
    var size: CInt = 1
    // Alone, the exit status says all; MPI_Abort would add a paragraph of its own.
    if isInitialized, MPI_Comm_size(cmpi_comm_world(), &size) == MPI_SUCCESS, size > 1 {
      MPI_Abort(cmpi_comm_world(), code)
    }
    exit(code)
  }

  /// Meets the other ranks and finalizes; with a failure `status`, ends those that do not come in time.
  fileprivate static func end(status: CInt) {
    let farewell: Communicator? = state.withLock { state in
      if state.isEnding { return nil }
      state.isEnding = true
      return state.farewell
    }
    guard let farewell, isInitialized else { return }
    var request = cmpi_request_null()
    var result = MPI_Status()
    var code = cmpi_start_barrier(farewell.handle, &request)
    var waited = 0.0
    var isDone: CInt = 0
    while code == MPI_SUCCESS {
      code = cmpi_test(&request, &isDone, &result)
      if code != MPI_SUCCESS || isDone != 0 { break }
      if status != 0, waited > patienceAtFailure {
        code = MPI_ERR_OTHER
        break
      }
      usleep(500)
      waited += 0.0005
    }
    guard code == MPI_SUCCESS else {
      MPI_Abort(cmpi_comm_world(), status == 0 ? 1 : status)
      return
    }
    let end = MPI_Finalize()
    if end != MPI_SUCCESS { write(toErrorStream: "MPI_Finalize failed with code \(end)\n") }
  }

  /// Writes the whole text at once, so that the messages of several ranks do not mix within a line.
  private static func write(toErrorStream text: String) {
    var text = text
    text.withUTF8 { bytes in
      var rest = UnsafeRawBufferPointer(bytes)
      while !rest.isEmpty {
        let count = Glibc.write(STDERR_FILENO, rest.baseAddress, rest.count)
        if count < 0 && errno == EINTR { continue }
        guard count > 0 else { return }
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(count))
      }
    }
  }
}

enum ProcessEnvironment {
  /// The value of an environment variable; nil when it is not set or empty.
  static func variable(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
  }
}
