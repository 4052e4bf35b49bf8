import CMPI

/// An operation under way. Its buffer belongs to the caller, who must keep it in place, not change it, and (when it is
/// written to) not read it until the request is finished.
///
/// A request cannot be copied and cannot be dropped unfinished: one that goes out of scope without `wait()`, as when
/// an error is thrown past it, waits then, since the library still uses the buffer. A receive that nobody answers
/// would wait for ever: `cancel()` it.
///
/// Progress may be made only inside of calls to MPI: call `test()` now and then while computing.
public struct Request: ~Copyable {
  private var request: CMPIRequest
  /// The further calls of an operation that was split; they finish in order after `request`.
  private var rest: [CMPIRequest]
  /// How many of `request` and `rest` are finished.
  private var finished = 0
  private var status = MPI_Status()
  private let datatype: CMPIDatatype
  private let call: StaticString

  init(_ call: StaticString, _ request: CMPIRequest, rest: [CMPIRequest] = [], datatype: CMPIDatatype) {
    self.call = call
    self.request = request
    self.rest = rest
    self.datatype = datatype
  }

  /// Whether the operation is finished, so far as `test()` found.
  public var isFinished: Bool { finished == 1 + rest.count }

  /// Waits until the operation is finished (`MPI_Wait`).
  ///
  /// - Returns: of a receive: what came. Meaningless for other operations.
  /// - Throws: `MPIError`.
  @discardableResult
  public consuming func wait() throws -> MessageStatus {
    try finish()
    return try messageStatus()
  }

  /// Whether the operation is finished; lets it progress (`MPI_Test`).
  ///
  /// - Throws: `MPIError`.
  public mutating func test() throws -> Bool {
    while !isFinished {
      var isDone: CInt = 0
      if finished == 0 {
        try checkDone(cmpi_test(&request, &isDone, &status))
      } else {
        try checkDone(cmpi_test(&rest[finished - 1], &isDone, &status))
      }
      if isDone == 0 { return false }
      finished += 1
    }
    return true
  }

  /// Calls off a receive that has not yet been matched by a message, and waits for that (`MPI_Cancel`, `MPI_Wait`).
  ///
  /// - Throws: `MPIError`.
  public consuming func cancel() throws {
    if !isFinished {
      try check("MPI_Cancel", cmpi_cancel(&request))
      try finish()
    }
  }

  /// What came by a receive that is finished.
  ///
  /// - Precondition: `isFinished`.
  /// - Throws: `MPIError`.
  public func messageStatus() throws -> MessageStatus {
    precondition(isFinished, "the operation is still under way")
    return try MessageStatus(status, datatype: datatype)
  }

  private mutating func finish() throws {
    while !isFinished {
      if finished == 0 {
        try checkDone(cmpi_wait(&request, &status))
      } else {
        try checkDone(cmpi_wait(&rest[finished - 1], &status))
      }
      finished += 1
    }
  }

  /// A call that fails has ended its request too; those after it go on, and the deinitializer waits for them.
  private mutating func checkDone(_ code: CInt) throws {
    if code != MPI_SUCCESS {
      finished += 1
      throw MPIError(call: call, code: code)
    }
  }

  // Cannot throw: the codes are dropped. A request is dropped unfinished only when another error is on its way.
  deinit {
    guard !isFinished, MPI.isInitialized else { return }
    if finished == 0 {
      var first = request
      var status = MPI_Status()
      _ = cmpi_wait(&first, &status)
    }
    for var next in rest.dropFirst(max(0, finished - 1)) {
      var status = MPI_Status()
      _ = cmpi_wait(&next, &status)
    }
  }
}
