import CMPI
import Testing

@testable import MessagePassing

@MainActor @Suite struct MPICommunicatorTests {
  @Test("initialize returns one and the same world, running")
  func initializeTwice() throws {
    let world = try MPI.initialize()
    #expect(try MPI.initialize() === world)
    #expect(MPI.isInitialized)
    #expect((0..<world.size).contains(world.rank))
    #expect(!MPI.libraryVersion().isEmpty)
    #expect(!(try MPI.processorName().isEmpty))
  }

  @Test("the world has the ranks that mpirun started")
  func worldSize() throws {
    let expected = ProcessEnvironment.variable("OMPI_COMM_WORLD_SIZE").flatMap { Int($0) } ?? 1
    #expect(try MPI.initialize().size == expected)
  }

  @Test("a duplicate is congruent to the original and its messages are apart")
  func duplicate() throws {
    let world = try MPI.initialize()
    let other = try world.duplicate()
    #expect(try world.compare(world) == .identical)
    #expect(try world.compare(other) == .congruent)
    try [Int32(7)].withUnsafeBufferPointer { message in
      let request = try world.startSend(message, to: world.rank, tag: 3)
      #expect(try other.probeNow(Int32.self, from: world.rank, tag: 3) == nil)
      #expect(try world.receive(Int32.self, from: world.rank, tag: 3).values == [7])
      try request.wait()
    }
  }

  @Test("split makes one communicator a color, ordered by key")
  func split() throws {
    let world = try MPI.initialize()
    let part = try #require(try world.split(color: world.rank % 2, key: -world.rank))
    let members = try part.allGather(world.rank)
    #expect(members == (0..<world.size).filter { $0 % 2 == world.rank % 2 }.reversed())
    if world.size > 2 { #expect(try world.compare(part) == .unequal) }
  }

  @Test("a rank without color joins none")
  func splitWithoutColor() throws {
    let world = try MPI.initialize()
    let part = try world.split(color: world.rank == 0 ? 0 : nil)
    #expect((part?.size ?? 0) == (world.rank == 0 ? 1 : 0))
  }

  @Test("reversed keys make a similar communicator")
  func similar() throws {
    let world = try MPI.initialize()
    let reversed = try #require(try world.split(color: 0, key: -world.rank))
    #expect(try world.compare(reversed) == (world.size == 1 ? .congruent : .similar))
    #expect(reversed.rank == world.size - 1 - world.rank)
  }

  @Test("the ranks of one node share a communicator")
  func nodeLocal() throws {
    let world = try MPI.initialize()
    let node = try world.splitNodeLocal()
    let names = try node.allGather(MPI.processorName())
    #expect(Set(names).count == 1)
    #expect(node.size <= world.size)
  }

  @Test("a group is made by its members alone, in the order of the list, while the others do something else")
  func createGroup() throws {
    let all = try everyone()
    let ranks = (0..<all.size).filter { $0 != 1 }.reversed() as [Int]
    if ranks.contains(all.rank) {
      let group = try all.createGroup(ranks: ranks, tag: 5)
      #expect(try group.allGather(all.rank) == ranks)
      #expect(group.rank == ranks.firstIndex(of: all.rank))
    }
    try all.barrier()
  }

  @Test("groups that overlap in time are told apart by their tags")
  func groupsAtOnce() throws {
    let all = try everyone()
    let half = all.size / 2
    let ranks = all.rank < half ? Array(0..<half) : Array(half..<all.size)
    let group = try all.createGroup(ranks: ranks, tag: all.rank < half ? 1 : 2)
    #expect(try group.allReduce(1, .sum) == ranks.count)
    try all.barrier()
  }

  @Test("an error of MPI is thrown, names the call, and leaves the ranks running")
  func errors() throws {
    let all = try everyone()
    let error = try #require(throws: MPIError.self) { try all.send([Float(1)], to: all.size, tag: 0) }
    #expect(error.call == "MPI_Send")
    #expect(error.errorClass == MPI_ERR_RANK)
    #expect(error.description.contains("MPI_Send failed: MPI_ERR_RANK"))
    let root = try #require(throws: MPIError.self) { try all.broadcast(Float(1), from: all.size) }
    #expect(root.call == "MPI_Bcast")
    #expect(root.errorClass == MPI_ERR_ROOT)
    #expect(throws: MPIError.self) { try all.createGroup(ranks: [all.rank, all.size]) }
    #expect(try all.allReduce(1, .sum) == all.size)
  }
}
