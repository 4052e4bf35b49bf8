/// A step of a plan. Steps hold numbers and pointers to the plan's tables only, so that walking through them in a
/// training step touches no reference counts.
enum Step {
  case stages(StageGroup)
  case stackNormalization(StackNormalization)
  case pooling(Pooling)
  case softmax(Softmax)
  case dropout(Dropout)
  case copy(Copy)
  case groupNormalization(GroupNormalizationStep)
  case prelu(PReLU)
  case clamp(Clamp)
  case resampling(Resampling)
  case reshape(Reshape)

  /// Places whose values mixed precision must still round after the step. Stages and stack normalizations round rows
  /// while these are in cache; pooling and reshaping only move values that are rounded already.
  var unrounded: Ports? {
    switch self {
    case .stages, .stackNormalization, .pooling, .reshape: nil
    case .softmax(let step): step.ports
    case .dropout(let step): step.ports
    case .copy(let step): step.ports
    case .groupNormalization(let step): step.ports
    case .prelu(let step): step.ports
    case .clamp(let step): step.ports
    case .resampling(let step): step.ports
    }
  }
}
