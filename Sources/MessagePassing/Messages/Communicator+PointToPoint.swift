import CMPI

/// The sender, tag and length of a message that was received, or that could be.
public struct MessageStatus: Sendable, Equatable {
  /// The rank that sent it.
  public let source: Int
  /// The tag that it was sent with.
  public let tag: Int
  /// The number of elements.
  public let count: Int

  init(source: Int, tag: Int, count: Int) {
    self.source = source
    self.tag = tag
    self.count = count
  }

  init<T: MPIScalar>(_ status: MPI_Status, of type: T.Type) throws {
    try self.init(status, datatype: T.datatype)
  }

  init(_ status: MPI_Status, datatype: CMPIDatatype) throws {
    source = Int(status.MPI_SOURCE)
    tag = Int(status.MPI_TAG)
    var count: Int64 = 0
    let code = withUnsafePointer(to: status) { cmpi_count($0, datatype, &count) }
    try check("MPI_Get_elements_x", code)
    self.count = Int(count)
  }
}

// Messages from one rank to another. A message of any length is one message: what is above MPI's counts is sent with
// a derived type, so that the two sides need not agree on how to split it.

extension Communicator {
  /// Sends the elements to a rank and returns when the buffer may be changed again (`MPI_Send`).
  ///
  /// - Parameter tag: 0 ... 32767 works everywhere.
  /// - Throws: `MPIError`.
  public func send<T: MPIScalar>(_ buffer: UnsafeBufferPointer<T>, to destination: Int, tag: Int = 0) throws {
    try check(
      "MPI_Send",
      cmpi_send(
        buffer.baseAddress, Int64(buffer.count), Int64(elementsPerCall(T.self)), T.datatype,
        CInt(clamping: destination), CInt(clamping: tag), handle))
  }

  /// Sends an array to a rank (`MPI_Send`).
  ///
  /// - Throws: `MPIError`.
  public func send<T: MPIScalar>(_ values: [T], to destination: Int, tag: Int = 0) throws {
    try values.withUnsafeBufferPointer { try send($0, to: destination, tag: tag) }
  }

  /// Receives a message into `buffer` (`MPI_Recv`).
  ///
  /// - Parameters:
  ///   - buffer: may be longer than the message; a longer message throws `MPI_ERR_TRUNCATE`.
  ///   - source: nil: any rank.
  ///   - tag: nil: any tag.
  /// - Throws: `MPIError`.
  @discardableResult
  public func receive<T: MPIScalar>(
    into buffer: UnsafeMutableBufferPointer<T>, from source: Int? = nil, tag: Int? = nil
  ) throws -> MessageStatus {
    var status = MPI_Status()
    try check(
      "MPI_Recv",
      cmpi_receive(
        buffer.baseAddress, Int64(buffer.count), Int64(elementsPerCall(T.self)), T.datatype,
        sourceCode(source), tagCode(tag), handle, &status))
    return try MessageStatus(status, of: T.self)
  }

  /// Receives an array whose length need not be known (`MPI_Probe`, `MPI_Recv`).
  ///
  /// - Parameters:
  ///   - source: nil: any rank.
  ///   - tag: nil: any tag.
  /// - Throws: `MPIError`.
  public func receive<T: MPIScalar>(
    _ type: T.Type, from source: Int? = nil, tag: Int? = nil
  ) throws -> (values: [T], status: MessageStatus) {
    let found = try probe(T.self, from: source, tag: tag)
    let values = try [T](unsafeUninitializedCapacity: max(0, found.count)) { buffer, initializedCount in
      initializedCount = try receive(into: buffer, from: found.source, tag: found.tag).count
    }
    return (values, found)
  }

  /// Waits until a message could be received, and tells of it without receiving it (`MPI_Probe`).
  ///
  /// - Parameter type: what the count counts.
  /// - Throws: `MPIError`.
  public func probe<T: MPIScalar>(_ type: T.Type, from source: Int? = nil, tag: Int? = nil) throws -> MessageStatus {
    var status = MPI_Status()
    try check("MPI_Probe", MPI_Probe(sourceCode(source), tagCode(tag), handle, &status))
    return try MessageStatus(status, of: T.self)
  }

  /// Tells of a message that could be received now; nil when there is none (`MPI_Iprobe`).
  ///
  /// - Parameter type: what the count counts.
  /// - Throws: `MPIError`.
  public func probeNow<T: MPIScalar>(
    _ type: T.Type, from source: Int? = nil, tag: Int? = nil
  ) throws -> MessageStatus? {
    var status = MPI_Status()
    var isThere: CInt = 0
    try check("MPI_Iprobe", MPI_Iprobe(sourceCode(source), tagCode(tag), handle, &isThere, &status))
    return isThere == 0 ? nil : try MessageStatus(status, of: T.self)
  }

  func sourceCode(_ source: Int?) -> CInt { source.map { CInt(clamping: $0) } ?? cmpi_any_source() }
  func tagCode(_ tag: Int?) -> CInt { tag.map { CInt(clamping: $0) } ?? cmpi_any_tag() }
}
