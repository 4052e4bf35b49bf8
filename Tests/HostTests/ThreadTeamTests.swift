import CKernels
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import Host

@Suite("ThreadTeam")
struct ThreadTeamTests {
  @Test("every piece is done exactly once, by a thread of the team", arguments: 1...4)
  func everyPieceOnce(size: Int) throws {
    let team = try ThreadTeam(size: size)
    let done = AlignedBuffer<Int32>(count: 1000)
    let threads = AlignedBuffer<Int32>(count: 1000)
    for count in 0...1000 {
      for i in 0..<1000 { done.pointer[i] = 0 }
      // A piece is written by one thread alone unless the team errs, and then its count is very likely not 1.
      team.run(count: count) { piece, thread in
        done.pointer[piece] += 1
        threads.pointer[piece] = Int32(thread)
      }
      let isRight = (0..<1000).allSatisfy {
        done.pointer[$0] == ($0 < count ? 1 : 0) && 0 <= threads.pointer[$0] && threads.pointer[$0] < size
      }
      #expect(isRight, "\(count) pieces")
    }
  }

  @Test("threads take part, those that sleep too")
  func allThreads() throws {
    let team = try ThreadTeam(size: 3, spin: .zero)
    for _ in 0..<50 {
      usleep(200)
      let present = Atomic<Int>(0)
      // A piece ends only when all three threads have one: no thread can do two.
      team.run(count: 3) { _, _ in
        present.add(1, ordering: .sequentiallyConsistent)
        while present.load(ordering: .sequentiallyConsistent) < 3 { sched_yield() }
      }
      #expect(present.load(ordering: .sequentiallyConsistent) == 3)
    }
  }

  @Test("the caller sees what the threads wrote, over many short runs")
  func manyRuns() throws {
    let team = try ThreadTeam(size: 2)
    let sums = AlignedBuffer<Int>(count: 8)
    for _ in 0..<20_000 { team.run(count: 8) { piece, _ in sums.pointer[piece] += piece } }
    #expect(Array(sums.buffer) == (0..<8).map { $0 * 20_000 })
  }

  @Test("denormals are zero in every thread while a team runs, and the caller's setting returns", arguments: [1, 3])
  func floatingPoint(size: Int) throws {
    let before = tutti_float_environment()
    let team = try ThreadTeam(size: size)
    let words = AlignedBuffer<UInt64>(count: 16)
    let products = AlignedBuffer<Float>(count: 16)
    let small = AlignedBuffer<Float>(count: 1)
    small.pointer[0] = .leastNormalMagnitude
    team.run(count: 16) { piece, _ in
      words.pointer[piece] = tutti_float_environment()
      products.pointer[piece] = small.pointer[0] * 0.5
    }
    // x86 keeps in the low six bits which exceptions happened so far.
    #expect(words.buffer.allSatisfy { $0 & ~0x3F == tutti_compute_environment() })
    #expect(products.buffer.allSatisfy { $0 == 0 })
    #expect(tutti_float_environment() == before)
    #expect(small.pointer[0] * 0.5 > 0)
  }

  @Test("a run allocates nothing")
  func noAllocation() throws {
    let team = try ThreadTeam(size: 2)
    let sum = AlignedBuffer<Int>(count: 3)
    func allocated(in piece: Int?) -> Int? {
      allocatedBytes {
        team.run(count: 3) { index, _ in
          if index == piece { touchHeap(bytes: 24) }
          sum.pointer[index] += index
        }
      }
    }
    guard let seen = allocated(in: 1) else { return }
    #expect(seen >= 24)
    // Tests that run beside this one may allocate meanwhile; not every time.
    #expect((0..<5).compactMap { _ in allocated(in: nil) }.contains(0))
    #expect(sum.pointer[2] == 12)
  }

  @Test("nested use is refused", arguments: [1, 2])
  func nested(size: Int) async {
    await #expect(processExitsWith: .failure) { [size] in
      guard let team = try? ThreadTeam(size: size) else { return }
      team.run(count: 2) { _, _ in team.run(count: 2) { _, _ in } }
    }
    await #expect(processExitsWith: .success) { [size] in
      guard let team = try? ThreadTeam(size: size) else { exit(1) }
      team.run(count: 2) { _, _ in }
      team.run(count: 2) { _, _ in }
    }
  }

  @Test("a pinned team binds each thread but the caller to one core of the mask")
  func pinned() throws {
    let cores = HostFacts.affinity()
    let team = try ThreadTeam(size: cores.count, pinned: true)
    let masks = Mutex<[Int: [Int]]>([:])
    for _ in 0..<20 {
      team.run(count: 200) { _, thread in
        let mask = HostFacts.affinity()
        masks.withLock { $0[thread] = mask }
      }
    }
    for (thread, mask) in masks.withLock(\.self) {
      #expect(mask == (thread == 0 ? cores : [cores[thread]]))
    }
    #expect(HostFacts.affinity() == cores)
  }

  @Test(
    "a rank's threads: its cores shared with the ranks on them, held by the quota; the environment and the job go first"
  )
  func defaultSize() {
    func size(_ cores: Int, ranks: Int, quota: Double? = nil, openMP: Int? = nil, asked: Int? = nil) -> Int {
      let facts = HostFacts(cores: Array(0..<cores), processorQuota: quota, openMPThreads: openMP)
      return ThreadTeam.defaultSize(for: facts, ranksOnNodeWithOverlappingMask: ranks, asked: asked)
    }
    #expect(size(8, ranks: 1) == 8)
    #expect(size(8, ranks: 2) == 4)
    #expect(size(8, ranks: 3) == 2)
    #expect(size(2, ranks: 3) == 1)
    #expect(size(8, ranks: 1, quota: 2.5) == 2)
    #expect(size(8, ranks: 2, quota: 2) == 1)
    #expect(size(8, ranks: 1, quota: 0.5) == 1)
    #expect(size(2, ranks: 1, quota: 16) == 2)
    #expect(size(8, ranks: 2, quota: 1, openMP: 6) == 6)
    #expect(size(8, ranks: 2, openMP: 6, asked: 5) == 5)
  }

  @Test("the error of a team that cannot be started says what to do")
  func error() {
    #expect(
      ThreadTeamError(size: 9, code: EAGAIN).description
        == """
        a team of 9 threads cannot be started: Resource temporarily unavailable. \
        Lower the number of threads (OMP_NUM_THREADS), or raise the limit on processes (ulimit -u).
        """)
  }
}
