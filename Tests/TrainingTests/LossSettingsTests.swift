import Foundation
import TestSupport
import Testing

@testable import Training

/// How files spell losses.
@Suite struct LossSettingsTests {
  private func read(_ text: String) throws -> LossSettings {
    try JSONDecoder().decode(LossSettings.self, from: Data(text.utf8))
  }

  @Test func `a name, a name with settings and a list are losses`() throws {
    #expect(try read(#""cross-entropy""#) == .crossEntropy)
    let smooth = CrossEntropy(smoothing: 0.1)
    #expect(try read(#"{"name": "cross-entropy", "smoothing": 0.1}"#) == LossSettings(smooth))
    let sum = try read(#"["cross-entropy", {"name": "cross-entropy", "smoothing": 0.1, "weight": 3}]"#)
    #expect(sum == LossSettings([.init(CrossEntropy()), .init(smooth, weight: 3)]))
  }

  @Test func `every loss survives being written and read, alone and in a sum`() throws {
    for type in Losses.all {
      let alone = LossSettings(type.init())
      #expect(alone.terms[0].name == type.name)
      let sum = LossSettings([.init(type.init(), weight: 0.25), .init(CrossEntropy(weights: [1, 2]))])
      for settings in [alone, sum] {
        #expect(try JSONDecoder().decode(LossSettings.self, from: JSONEncoder().encode(settings)) == settings)
      }
    }
  }

  @Test func `a name that is no loss is refused with those that are`() throws {
    for text in [#""cros-entropy""#, #"{"name": "cros-entropy"}"#] {
      let error = #expect(throws: DecodingError.self) { try read(text) }
      #expect("\(error!)".contains("‘cros-entropy’ is no loss; there are cross-entropy"))
    }
    #expect(throws: DecodingError.self) { try read("[]") }
  }

  @Test func `balanced weights are scikit-learn's, and stand for themselves in files`() throws {
    for name in ["cross-entropy", "dice", "focal", "tversky", "focal-tversky"] {
      let settings = try read(#"{"name": "\#(name)", "weights": "balanced"}"#)
      #expect(settings.isBalanced)
      #expect(try JSONDecoder().decode(LossSettings.self, from: JSONEncoder().encode(settings)) == settings)
      // compute_class_weight("balanced", classes=[0, 1, 2], y=[0]*6 + [1]*3 + [2])
      let weights = try settings.balanced(by: [6, 3, 1], channels: 3)
      let text = String(decoding: try JSONEncoder().encode(weights), as: UTF8.self)
      struct Weights: Decodable { var weights: [Double] }
      let found = try JSONDecoder().decode(Weights.self, from: Data(text.utf8)).weights
      for (weight, expected) in zip(found, [10.0 / 18, 10.0 / 9, 10.0 / 3]) { #expect(abs(weight - expected) < 1e-12) }
      #expect(!weights.isBalanced && found.count == 3)
    }
    let binary = try read(#"[{"name": "binary-cross-entropy", "positive-weight": "balanced"}, "dice"]"#)
    #expect(try JSONDecoder().decode(LossSettings.self, from: JSONEncoder().encode(binary)) == binary)
    let found = try binary.balanced(by: [30, 10], channels: 1)
    #expect(found.terms[0] == .init(BinaryCrossEntropy(positiveWeight: 3)))
    #expect(found.terms[1] == binary.terms[1])
    // Of channels for each of four classes three quarters are negative.
    let several = try binary.balanced(by: [30, 10, 1, 2], channels: 4)
    #expect(several.terms[0] == .init(BinaryCrossEntropy(positiveWeight: 3)))
    let dice = try read(#"{"name": "dice", "weights": "balanced"}"#)
    #expect(throws: LossError.nothingToBalance(loss: "dice")) { try dice.balanced(by: [30, 10], channels: 1) }
  }

  @Test func `a class that does not occur cannot be balanced`() throws {
    let settings = try read(#"{"name": "cross-entropy", "weights": "balanced"}"#)
    #expect(throws: LossError.emptyClass(loss: "cross-entropy", label: 1)) {
      try settings.balanced(by: [4, 0, 2], channels: 3)
    }
  }

  @Test func `a loss says which quantiles it is of, and what the network ends in`() throws {
    #expect(
      try read(#"[{"name": "total-variation"}, {"name": "quantile", "quantiles": [0.1, 0.5]}]"#).quantiles == [
        0.1, 0.5,
      ])
    #expect(LossSettings.crossEntropy.quantiles == nil)
    #expect(try read(#"["cross-entropy", {"name": "dice", "input": "probabilities"}]"#).input == .probabilities)
    #expect(try read(#"["cross-entropy", "mse"]"#).input == .logits)
  }
}
