import CMPI

// Operations that are started here and finished by the `Request` they return.

extension Communicator {
  /// Starts to send the elements to a rank (`MPI_Isend`).
  ///
  /// - Parameter buffer: see `Request` for how long it must stay.
  /// - Throws: `MPIError`.
  public func startSend<T: MPIScalar>(
    _ buffer: UnsafeBufferPointer<T>, to destination: Int, tag: Int = 0
  ) throws -> Request {
    var request = cmpi_request_null()
    try check(
      "MPI_Isend",
      cmpi_start_send(
        buffer.baseAddress, Int64(buffer.count), Int64(elementsPerCall(T.self)), T.datatype,
        CInt(clamping: destination), CInt(clamping: tag), handle, &request))
    return Request("MPI_Isend", request, datatype: T.datatype)
  }

  /// Starts to receive a message into `buffer` (`MPI_Irecv`).
  ///
  /// - Parameters:
  ///   - buffer: may be longer than the message; see `Request` for how long it must stay.
  ///   - source: nil: any rank.
  ///   - tag: nil: any tag.
  /// - Throws: `MPIError`.
  public func startReceive<T: MPIScalar>(
    into buffer: UnsafeMutableBufferPointer<T>, from source: Int? = nil, tag: Int? = nil
  ) throws -> Request {
    var request = cmpi_request_null()
    try check(
      "MPI_Irecv",
      cmpi_start_receive(
        buffer.baseAddress, Int64(buffer.count), Int64(elementsPerCall(T.self)), T.datatype,
        sourceCode(source), tagCode(tag), handle, &request))
    return Request("MPI_Irecv", request, datatype: T.datatype)
  }

  /// Starts a barrier; the request is finished when all ranks have started it. Collective (`MPI_Ibarrier`).
  ///
  /// - Throws: `MPIError`.
  public func startBarrier() throws -> Request {
    var request = cmpi_request_null()
    try check("MPI_Ibarrier", cmpi_start_barrier(handle, &request))
    return Request("MPI_Ibarrier", request, datatype: UInt8.datatype)
  }

  /// Starts to copy the root's elements to all ranks. Collective (`MPI_Ibcast`).
  ///
  /// - Parameter buffer: of the same count on all ranks; see `Request` for how long it must stay.
  /// - Throws: `MPIError`.
  public func startBroadcast<T: MPIScalar>(_ buffer: UnsafeMutableBufferPointer<T>, from root: Int) throws -> Request {
    try startPieces("MPI_Ibcast", of: buffer) { data, count, request in
      cmpi_start_broadcast(data, count, T.datatype, CInt(clamping: root), handle, &request)
    }
  }

  /// Starts to combine the ranks' buffers element by element, in place on all of them. Collective
  /// (`MPI_Iallreduce`).
  ///
  /// - Parameter buffer: of the same count on all ranks; see `Request` for how long it must stay.
  /// - Throws: `MPIError`.
  public func startAllReduce<T: MPIScalar>(
    _ buffer: UnsafeMutableBufferPointer<T>, _ operation: Reduction<T>
  ) throws -> Request {
    let op = operation.handle
    return try startPieces("MPI_Iallreduce", of: buffer) { data, count, request in
      cmpi_start_all_reduce(data, count, T.datatype, op, handle, &request)
    }
  }

  private func startPieces<T: MPIScalar>(
    _ call: StaticString, of buffer: UnsafeMutableBufferPointer<T>,
    _ start: (UnsafeMutablePointer<T>, CInt, inout CMPIRequest) -> CInt
  ) throws -> Request {
    var first = cmpi_request_null()
    var rest: [CMPIRequest] = []
    var isFirst = true
    do {
      try forEachPiece(of: buffer) { data, count in
        var request = cmpi_request_null()
        try check(call, start(data, count, &request))
        if isFirst { first = request } else { rest.append(request) }
        isFirst = false
      }
    } catch {
      // What did start is waited for before the buffer is the caller's again.
      _ = Request(call, first, rest: rest, datatype: T.datatype)
      throw error
    }
    return Request(call, first, rest: rest, datatype: T.datatype)
  }
}
