import Glibc
import Testing

@testable import MessagePassing

@MainActor @Suite struct MPISharedWindowTests {
  @Test("each rank reads what the others wrote into their segments")
  func sharing() throws {
    let node = try everyone().splitNodeLocal()
    // Segments of different lengths, one of them empty.
    let window = try SharedWindow<Float>(count: node.rank == 1 ? 0 : 1000 + node.rank, on: node)
    #expect(window.own.allSatisfy { $0 == 0 })
    try window.synchronize()
    for i in window.own.indices { window.own[i] = Float(node.rank * 10_000 + i) }
    try window.synchronize()
    for rank in 0..<node.size {
      let count = rank == 1 ? 0 : 1000 + rank
      #expect(window[rank].count == count)
      #expect(window[rank].elementsEqual((0..<count).map { Float(rank * 10_000 + $0) }))
    }
    try window.synchronize()
    // And writes into another's.
    let next = (node.rank + 1) % node.size
    if let first = window[next].indices.first { window[next][first] = -Float(node.rank) }
    try window.synchronize()
    if let first = window.own.first { #expect(first == -Float((node.rank + node.size - 1) % node.size)) }
    try window.free()
    try window.free()
  }

  @Test("every segment starts on a page")
  func alignment() throws {
    let node = try everyone().splitNodeLocal()
    let window = try SharedWindow<UInt8>(count: 3 + node.rank, on: node)
    for rank in 0..<node.size {
      let address = try #require(window[rank].baseAddress)
      #expect(UInt(bitPattern: address) % 4096 == 0)
    }
    try window.synchronize()
    try window.free()
  }

  @Test("a window that does not fit is refused on all ranks alike, and the ranks go on")
  func noSpace() throws {
    let node = try everyone().splitNodeLocal()
    guard node.size > 1 else { return }
    let directory = SharedMemory.backingDirectory
    let free = try #require(SharedMemory.freeBytes(in: directory))
    // Only one rank asks for too much.
    let error = try #require(throws: SharedWindowError.self) {
      _ = try SharedWindow<Double>(count: node.rank == 0 ? free : 1, on: node)
    }
    guard case .noSpace(directory, let needed, _) = error else {
      Issue.record("another error: \(error)")
      return
    }
    #expect(needed >= free * 8)
    #expect(error.description.contains(directory))
    #expect(try node.allReduce(1, .sum) == node.size)
  }

  @Test("the space that is free can be told for a folder that exists")
  func freeBytes() throws {
    #expect(SharedMemory.freeBytes(in: "/") != nil)
    #expect(SharedMemory.freeBytes(in: "/no such folder") == nil)
    try MPI.initialize()
    #expect(access(SharedMemory.backingDirectory, F_OK) == 0)
  }
}
