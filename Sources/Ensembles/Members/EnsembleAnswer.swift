import Networks
import Training

/// What the members of an ensemble answer with: members of one ensemble have equal ones.
public struct EnsembleAnswer: Hashable, Sendable {
  /// What they have learnt.
  public var task: EnsembleTask
  /// Channels of an answer: one for each class, or those of target images, for every quantile.
  public var channels: Int
  /// The quantiles that are answered with, ascending, the middle one being the value itself; nil: the value alone.
  public var quantiles: [Double]?
  /// Classes of the image that are told beside it; 0 for none.
  public var imageClasses: Int
  /// Whether networks end in probabilities themselves.
  public var isOfProbabilities: Bool
}

extension EnsembleSettings {
  /// Classes that are told apart; 0 when images alone are answered with.
  public var classes: Int { task == .binary ? 2 : task.hasClasses ? outputChannels : classifier?.classes ?? 0 }

  /// Channels of target images; 0 when classes are told.
  public var targetChannels: Int { task.hasClasses ? 0 : outputChannels / (loss.quantiles?.count ?? 1) }

  /// What members answer with.
  public var answer: EnsembleAnswer {
    EnsembleAnswer(
      task: task, channels: task.hasClasses ? classes : outputChannels,
      quantiles: task.hasClasses ? nil : loss.quantiles, imageClasses: classifier?.classes ?? 0,
      isOfProbabilities: task.hasClasses && loss.input == .probabilities)
  }

  /// A member's network with what makes an answer of its output: probabilities of all classes, or values.
  func answering(_ graph: NetworkGraph) -> NetworkGraph {
    var result = graph
    func name(_ stem: String) -> String { result.unusedName(stem) }
    guard task.hasClasses else {
      guard classifier != nil, let scores = graph.taps[NetworkGraph.classes] else { return graph }
      let name = name("probabilities")
      result.insertBeforeOutput { graph in
        graph.tap(NetworkGraph.classes, graph.add(name, .softmax(logarithm: false), scores))
      }
      return result
    }
    if task == .binary {
      let second =
        answer.isOfProbabilities
        ? graph.output : result.add(name("probability"), .activation(.sigmoid), graph.output)
      // A clamp between equal ends is a constant.
      let one = result.add(name("one"), .clamp(minimum: 1, maximum: 1), second)
      let first = result.add(name("otherProbability"), .difference, one, second)
      result.add(name("probabilities"), .concatenation, first, second)
    } else if !answer.isOfProbabilities {
      result.add(name("probabilities"), .softmax(logarithm: false), graph.output)
    }
    return result
  }
}
