import Tensors
import Testing

@testable import Ensembles

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
        the job needs 2.0 GB on each of the 2 ranks of this node (training 1.7 GB, images 300 MB) but the control group's \
        limit is 4.0 GB. Use fewer ranks on a node, or lower training.batch, data.patch or prediction.tile.
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

  @Test("a training set takes four bytes a channel and one for the label of each voxel")
  func trainingSet() throws {
    let regions = try Problem().data.regions
    #expect(
      TrainingSet.bytes(of: regions.map(\.region), channels: 1, target: regions[0].content.bytes) == 6 * 24 * 24 * 5)
    #expect(regions.reduce(0) { $0 + 4 * $1.images.count + $1.labels.count } == 6 * 24 * 24 * 5)
  }
}
