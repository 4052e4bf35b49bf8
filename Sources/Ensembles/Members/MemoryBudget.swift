import Engine
import Host
import Imaging
import Networks
import Training

/// What a rank needs in memory for its work on an ensemble, compared with what there is, before the work.
public struct MemoryBudget: Hashable, Sendable {
  /// A part of the need.
  public struct Item: Hashable, Sendable {
    /// What the memory is for, as messages name it.
    public var name: String
    /// How much it is.
    public var bytes: Int
    /// Whether the other ranks of the node map it too, into their own address spaces.
    public var isShared = false
  }

  /// The parts of the need.
  public private(set) var items: [Item] = []

  /// A need of nothing.
  public init() {}

  /// All of the need.
  public var bytes: Int { items.reduce(0) { $0 + $1.bytes } }

  /// Adds a part.
  public mutating func add(_ name: String, bytes: Int, isShared: Bool = false) {
    items.append(Item(name: name, bytes: bytes, isShared: isShared))
  }

  /// What a rank needs to train any of these members.
  ///
  /// - Parameters:
  ///   - validates: whether there is a validation set.
  ///   - ranks: of the whole run.
  ///   - ranksPerMember: that train a member together at first; those that join later only take of its work.
  ///   - dividesState: each of these ranks keeps a part of the optimizer's state.
  /// - Throws: `NetworkError` when patches do not fit the network.
  public init(
    training members: some Sequence<MemberSpecification>, settings: EnsembleSettings, validates: Bool, threads: Int,
    ranks: Int = 1, ranksPerMember: Int = 1, dividesState: Bool = false
  ) throws {
    var (training, validation, parameters, checkpoint) = (0, 0, 0, 0)
    for member in members {
      training = max(
        training,
        try Self.training(
          member, settings: settings, threads: threads, ranks: ranksPerMember, dividesState: dividesState))
      if validates { validation = max(validation, try Self.validation(member, settings: settings, threads: threads)) }
      parameters = max(parameters, member.costs.parameters)
      checkpoint = max(checkpoint, Self.checkpoint(member.costs, settings: settings))
    }
    add("training a member", bytes: training)
    add("making and writing its checkpoint", bytes: 2 * checkpoint)
    if validates { add("validating it", bytes: validation) }
    let shared = 4 * settings.nodeMemory(parameters: parameters, ranks: ranks)
    if shared > 0 { add("gradients that ranks share", bytes: shared, isShared: true) }
  }

  /// The bytes that the training of a member takes: feature maps of a batch, weights with gradients and the optimizer's
  /// moments, and the patches of a batch.
  ///
  /// - Parameters:
  ///   - ranks: that train it together; several have their gradients in memory that they share, which is not counted
  ///     here.
  ///   - dividesState: each of them keeps a part of the optimizer's state.
  /// - Throws: `NetworkError` when patches do not fit the network.
  static func training(
    _ member: MemberSpecification, settings: EnsembleSettings, threads: Int, ranks: Int = 1, dividesState: Bool = false
  ) throws -> Int {
    let plan = try settings.trainingPlan(of: member)
    let samplesPerShard = (settings.batch + settings.shards - 1) / settings.shards
    let shards = (settings.fullShards + ranks - 1) / ranks
    let capacity = samplesPerShard * shards
    return Execution.bytes(plan, capacity: capacity, shards: shards, threads: threads)
      + 4 * ((ranks > 1 ? 1 : 2) * plan.layout.parameterCount + plan.layout.statisticCount)
      + TrainingLoop.bytes(
        settings.recipe, parameters: plan.layout.parameterCount, statistics: plan.layout.statisticCount,
        parts: dividesState ? ranks : 1)
      + bytes(ofTargets: capacity, settings)
      + 4 * settings.batch * settings.inputChannels * settings.patch.reduce(1, *)
      * (settings.task == .selfSupervised ? 2 : 1)
  }

  /// The bytes of a member's checkpoint: weights, statistics, and what the training keeps. It is made in memory and
  /// copied once, to be written while training goes on.
  public static func checkpoint(_ costs: NetworkCosts, settings: EnsembleSettings) -> Int {
    4 * (costs.parameters + costs.statistics)
      + TrainingLoop.bytes(settings.recipe, parameters: costs.parameters, statistics: costs.statistics)
  }

  /// The bytes that the validation of a member takes: feature maps of a batch, a copy of the weights, and targets.
  static func validation(_ member: MemberSpecification, settings: EnsembleSettings, threads: Int) throws -> Int {
    let plan = try Plan(member.graph, extents: settings.patch, purpose: .inference)
    return Validator.bytes(plan, batch: settings.batch, threads: threads)
      + bytes(ofTargets: settings.batch, settings)
  }

  private static func bytes(ofTargets samples: Int, _ settings: EnsembleSettings) -> Int {
    samples * (settings.task.hasClasses ? 1 : 4 * settings.targetChannels + 4) * settings.patch.reduce(1, *)
  }

  /// Throws unless what this rank and the others on its node need is there.
  ///
  /// - Parameters:
  ///   - ranks: ranks on this node, each of which needs as much.
  ///   - memory: the node's limits. The address space is a rank's own, the others are shared.
  public func check(against memory: HostFacts.Memory, ranksOnNode ranks: Int) throws(MemoryBudgetError) {
    let all = UInt64(bytes) * UInt64(ranks)
    func check(_ limit: UInt64?, _ need: UInt64, _ name: String) throws(MemoryBudgetError) {
      guard let limit, need > limit else { return }
      throw MemoryBudgetError(budget: self, ranks: ranks, limit: limit, limitName: name)
    }
    let mapped = items.reduce(0) { $0 + ($1.isShared ? $1.bytes * (ranks - 1) : 0) }
    try check(memory.allowed, UInt64(bytes), "what memory (or --memory) leaves beside the program itself")
    try check(memory.addressSpace, UInt64(bytes + mapped), "the limit on a process's address space (ulimit -v)")
    try check(memory.controlGroup, all, "what the control group's limit leaves beside the program itself")
    try check(memory.available, all, "what the machine has free")
  }
}

/// A job does not fit in memory.
public struct MemoryBudgetError: Error, Hashable, Sendable, CustomStringConvertible {
  /// What was needed.
  public let budget: MemoryBudget
  /// Ranks on the node.
  public let ranks: Int
  /// The memory that the ranks of the node may take together, in bytes.
  public let limit: UInt64
  /// What sets the limit.
  public let limitName: String

  /// What is needed, what there is, and what to do, for the user.
  public var description: String {
    let parts = budget.items.sorted { $0.bytes > $1.bytes }.map { "\($0.name) \(Self.size(UInt64($0.bytes)))" }
      .joined(separator: ", ")
    let node = ranks == 1 ? "" : " on each of the \(ranks) ranks of this node"
    return """
      the job needs \(Self.size(UInt64(budget.bytes)))\(node) (\(parts)) but \(limitName) is \(Self.size(limit)). \
      Use fewer ranks on a node, or lower training.batch, data.patch or prediction.tile.
      """
  }

  /// Bytes in the largest unit that leaves a number of at least 1.
  static func size(_ bytes: UInt64) -> String {
    let units = ["B", "KB", "MB", "GB", "TB"]
    var value = Double(bytes)
    var unit = 0
    while value >= 1000, unit < units.count - 1 {
      value /= 1000
      unit += 1
    }
    let tenths = Int((value * 10).rounded())
    return (tenths < 100 && unit > 0 ? "\(tenths / 10).\(tenths % 10)" : "\((tenths + 5) / 10)") + " \(units[unit])"
  }
}
