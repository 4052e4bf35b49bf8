import Settings

/// Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101).
public struct AdamW: OptimizerMethod {
  public static let name = "adamw"
  public static let meaning = "Adam with decoupled weight decay (Loshchilov and Hutter, arXiv 1711.05101)"
  public static let settings: [Setting<Self>] = Adam.settings.map { $0.within(\.adam) }
  public static var defaultWeightDecay: Double { 0.01 }

  /// The same without weight decay.
  public var adam: Adam

  public init() { self.init(Adam()) }

  /// Adam of these settings with decoupled weight decay.
  public init(_ adam: Adam) { self.adam = adam }

  public var state: OptimizerState { adam.state }

  public func set(_ step: inout OptimizerStep) {
    step.decouple()
    adam.set(&step)
  }
}
