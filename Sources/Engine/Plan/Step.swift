/// A step of a plan. Steps hold numbers and pointers to the plan's tables only, so that walking through them in a training step
/// touches no reference counts.
enum Step {
  case stages(StageGroup)
  case restack(Restack)
  case pooling(Pooling)
  case softmax(Softmax)
  case dropout(Dropout)
  case copy(Copy)
  case groupNormalization(GroupNormalizationStep)
  case prelu(PReLU)
  case clamp(Clamp)
  case resampling(Resampling)
  case reshape(Reshape)

  /// What a step makes that mixed precision has still to round: stages and restackings do so while rows are in cache, and what pooling and
  /// reshaping make is as round as what they read.
  var unrounded: (Place, Border)? {
    switch self {
    case .stages, .restack, .pooling, .reshape: nil
    case .softmax(let step): (step.target, step.border)
    case .dropout(let step): (step.target, step.border)
    case .copy(let step): (step.target, step.border)
    case .groupNormalization(let step): (step.target, step.border)
    case .prelu(let step): (step.target, step.border)
    case .clamp(let step): (step.target, step.border)
    case .resampling(let step): (step.target, step.border)
    }
  }
}
