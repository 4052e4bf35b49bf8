import Engine
import Host
import Testing
import Training

@testable import Ensembles

private protocol Sized {
  var bytes: Int { get }
}

extension AlignedBuffer: Sized {
  fileprivate var bytes: Int { count * MemoryLayout<Element>.stride }
}

@Suite struct MemoryBudgetTests {
  private var budget: MemoryBudget {
    var budget = MemoryBudget()
    budget.add("images", bytes: 300_000_000)
    budget.add("training", bytes: 1_700_000_000)
    return budget
  }

  @Test("what fits for all ranks of a node is accepted")
  func fits() throws {
    try budget.check(against: HostFacts.Memory(), ranksOnNode: 100)
    try budget.check(
      against: HostFacts.Memory(controlGroup: 4_000_000_000, addressSpace: 2_000_000_000, available: 4_000_000_000),
      ranksOnNode: 2)
  }

  @Test("what does not fit is refused with the parts, the limit and a cure")
  func refused() {
    #expect {
      try budget.check(against: HostFacts.Memory(controlGroup: 3_999_999_999), ranksOnNode: 2)
    } throws: { error in
      "\(error)" == """
        the job needs 2.0 GB on each of the 2 ranks of this node (training 1.7 GB, images 300 MB) but what the control \
        group's limit leaves beside the program itself is 4.0 GB. Use fewer ranks on a node, or lower training.batch, \
        data.patch or prediction.tile.
        """
    }
    #expect(throws: MemoryBudgetError.self) {
      try budget.check(against: HostFacts.Memory(addressSpace: 1_999_999_999), ranksOnNode: 1)
    }
    #expect(throws: MemoryBudgetError.self) {
      try budget.check(against: HostFacts.Memory(available: 1_000), ranksOnNode: 1)
    }
  }

  @Test("training needs its weights four times and grows with the batch")
  func training() throws {
    let problem = try Problem()
    let member = try problem.settings.member(0)
    var settings = problem.settings
    let small = try MemoryBudget.training(member, settings: settings, threads: 1)
    #expect(small > 16 * member.costs.parameters)
    settings.batch = 8
    let large = try MemoryBudget.training(member, settings: settings, threads: 1)
    #expect(large > small + 4 * 12 * 12 * 4)
  }

  @Test("what ranks share counts once for the node and for each of them in its address space")
  func shared() throws {
    var budget = budget
    budget.add("gradients", bytes: 1_000_000_000, isShared: true)
    try budget.check(
      against: HostFacts.Memory(controlGroup: 9_000_000_000, addressSpace: 5_000_000_000), ranksOnNode: 3)
    #expect(throws: MemoryBudgetError.self) {
      try budget.check(against: HostFacts.Memory(controlGroup: 8_999_999_999), ranksOnNode: 3)
    }
    #expect(throws: MemoryBudgetError.self) {
      try budget.check(against: HostFacts.Memory(addressSpace: 4_999_999_999), ranksOnNode: 3)
    }
  }

  @Test("the parts of a training are its members' largest, the validator and the gradients that ranks share")
  func parts() throws {
    var settings = try Problem(shards: 8).settings
    settings.batch = 8
    let members = try (0..<3).map { try settings.member($0) }
    func bytes(_ budget: MemoryBudget) -> [String: Int] {
      Dictionary(uniqueKeysWithValues: budget.items.map { ($0.name, $0.bytes) })
    }
    let alone = bytes(try MemoryBudget(training: members, settings: settings, validates: false, threads: 1))
    let largest = try members.map { try MemoryBudget.training($0, settings: settings, threads: 1) }.max()
    // Weights, statistics and Adam's two moments, made and copied.
    let state = members.map { 4 * (3 * $0.costs.parameters + $0.costs.statistics) }
    #expect(
      alone == ["training a member": largest, "making and writing its checkpoint": try #require(state.max()) * 2])
    // Three ranks hold 3 + 3 + 2 of eight shards: the first two a pair and one alone.
    let three = bytes(try MemoryBudget(training: members, settings: settings, validates: true, threads: 1, ranks: 3))
    let parameters = try #require(members.map(\.costs.parameters).max())
    #expect(three["gradients that ranks share"] == 4 * parameters * 2)
    #expect(three["training a member"] == largest)
    #expect(three.count == 4)
    // More ranks than there are shards share no more.
    let many = bytes(try MemoryBudget(training: members, settings: settings, validates: true, threads: 1, ranks: 300))
    #expect(many == three)
  }

  @Test("ranks that train a member together need no gradients of their own, and divide the optimizer's state")
  func divided() throws {
    let settings = try Problem(family: Problem.pyramid, shards: 4).settings
    let member = try settings.member(0)
    let count = member.costs.parameters
    func bytes(ranks: Int, dividesState: Bool) throws -> Int {
      try MemoryBudget.training(member, settings: settings, threads: 1, ranks: ranks, dividesState: dividesState)
    }
    // Adam's two moments.
    #expect(
      try bytes(ranks: 4, dividesState: false) - bytes(ranks: 4, dividesState: true) == 8 * (count - (count + 3) / 4))
    #expect(try bytes(ranks: 1, dividesState: true) == bytes(ranks: 1, dividesState: false))
    #expect(try bytes(ranks: 1, dividesState: false) > bytes(ranks: 4, dividesState: false) + 4 * count)
  }

  @Test("a validator takes the bytes that it is reckoned with")
  func validator() throws {
    let settings = try Problem(family: Problem.pyramid).settings
    let plan = try Plan(settings.member(0).graph, extents: [192, 192], purpose: .inference)
    let source = Nothing()
    let team = try ThreadTeam(size: 1)
    let validator = try Validator(
      plan, loss: CrossEntropy(), target: .labels, source: source, batch: 8, team: team)
    let taken = Self.bytes(heldBy: validator)
    let reckoned = Validator.bytes(plan, batch: 8, threads: 1) + 8 * 192 * 192
    #expect(taken > 4_000_000 && Double(reckoned) > 0.98 * Double(taken) && Double(reckoned) < 1.02 * Double(taken))
  }

  /// Eight samples that nobody loads.
  private final class Nothing: BatchSource {
    let samplesPerEpoch = 8
    func load(epoch: Int, position: Int, image: FeaturePlanes, target: Target) {}
  }

  /// Bytes of all buffers of a validator, its execution and its targets.
  private static func bytes(heldBy object: Any) -> Int {
    Mirror(reflecting: object).children.reduce(0) { sum, child in
      switch child.value {
      case let buffer as any Sized: sum + buffer.bytes
      case is Execution, is TargetBuffer: sum + bytes(heldBy: child.value)
      default: sum
      }
    }
  }

  @Test("a training set takes four bytes a channel and one for the label of each voxel")
  func trainingSet() throws {
    let regions = try Problem().data.regions
    #expect(
      TrainingSet.bytes(of: regions.map(\.region), channels: 1, target: regions[0].content.bytes) == 6 * 24 * 24 * 5)
    #expect(regions.reduce(0) { $0 + 4 * $1.images.count + $1.labels.count } == 6 * 24 * 24 * 5)
  }
}
