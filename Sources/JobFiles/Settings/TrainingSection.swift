import Engine
import Imaging
import Settings
import Training

extension Job {
  /// The section `training`: how each network is trained.
  public struct TrainingSection: SettingsSection {
    /// Passes over the training units that a member draws.
    public var epochs = 10
    /// Patches of one step.
    public var batch = 4
    /// Parts of a batch that are summed in a fixed order.
    public var shards = 4
    /// Of products.
    public var precision = Plan.Precision.float32
    /// How weights follow from gradients. Its keys stand among the section's.
    public var recipe = TrainingRecipe()
    /// Where the optimizer's state is kept.
    public var optimizerState = OptimizerState.auto
    /// Minutes between two checkpoints of a member.
    public var checkpoint = 5.0
    /// Steps between two checkpoints of a member besides; nil: time alone decides.
    public var checkpointSteps: Int?
    /// The part of the learning rate at which a member that failed is trained once more; nil: it is not.
    public var retry: Double?
    /// What is made small.
    public var loss = LossSettings.crossEntropy
    /// What the members are keyed by.
    public var seed = 1
    /// Patches of each drawn training unit in an epoch.
    public var patchesPerUnit = 1
    /// Random changes of training patches.
    public var augmentation = AugmentationSettings()
    /// Pixels from one blind pixel to the next; nil unless the task is self-supervised.
    public var blindSpacing: Int?

    public init() {}

    public static let settings: [Setting<Self>] =
      [
        Setting("epochs", \.epochs, .integer(1...1_000_000), "passes over the training units that a member draws"),
        Setting("batch", \.batch, .integer(1...65_536), "patches of one step"),
        Setting(
          "shards",
          declare: { _ in
            (
              .integer(1...4096),
              .derived("min(batch, 4)") { $0["batch"]?.integer.map { .integer(min($0, 4)) } }
            )
          }, "parts of a batch that are summed in a fixed order; decides rounding, so it is part of the job",
          read: { (value, section) throws(SettingError) in section.shards = try Int(settingValue: value) },
          write: { .integer($0.shards) }),
        Setting(
          "precision", \.precision, noun: "precision",
          "of products while training; bfloat16 is mixed precision: their operands are rounded, sums and weights stay "
            + "float32 (no loss scaling is needed: the range is the same)"),
      ] + TrainingRecipe.settings.map { $0.within(\.recipe) } + [
        Setting(
          "optimizer-state", \.optimizerState, noun: "place",
          "where the optimizer's running means are kept when several ranks train a member: all on every rank "
            + "(`replicated`), a part on each (`divided`, the first stage of ZeRO; Rajbhandari et al., arXiv 1910.02054), or "
            + "divided where they would not fit otherwise (`auto`); never changes a result"),
        Setting(
          "checkpoint", \.checkpoint, .number(.atLeast(0, limit: 1e6)),
          "minutes after which a member's training is saved, after whichever step, so that a run that was cut short goes on "
            + "from there; 0: after every epoch"),
        Setting(
          "checkpoint-steps", \.checkpointSteps, .integer(1...1_000_000_000), otherwise: "time alone decides",
          "steps after which a member's training is saved besides"),
        Setting(
          "retry", \.retry, .number(.above(0, below: 1)),
          otherwise: "a member that failed stays so",
          "the part of the learning rate at which a member is trained once more when its loss or its weights were no "
            + "numbers; its file says why"),
        Setting(
          "loss", \.loss, LossSettings.kind,
          otherwise: "`cross-entropy` for classes, `binary-cross-entropy` for the task binary, `mse` for images",
          "what is made small: a name, a section with a name and settings, or a list of these, each with its `weight` in "
            + "the sum"),
        Setting("seed", \.seed, .integer(0...), "another seed gives other members"),
        Setting(
          "patches-per-unit", \.patchesPerUnit, .integer(1...1_000_000),
          "patches of each drawn training unit in an epoch"),
        Setting("augmentation", \.augmentation, "random changes of training patches, alike for their targets"),
        Setting(
          "blind-spacing", \.blindSpacing, .integer(2...64),
          otherwise: "\(Job.blindSpacing), of self-supervised tasks",
          "of self-supervised tasks, pixels from one blind pixel to the next along each axis"),
      ]
  }

  /// Where the optimizer's state is kept when several ranks train a member.
  public enum OptimizerState: String, SettingConvertible, Hashable, CaseIterable {
    /// On every rank.
    case replicated
    /// On each rank a part.
    case divided
    /// On each rank a part where there is no room for the whole.
    case auto
  }

  /// Pixels from one blind pixel to the next when nothing else is said.
  package static let blindSpacing = 4
}

extension Plan.Precision: SettingConvertible {}
