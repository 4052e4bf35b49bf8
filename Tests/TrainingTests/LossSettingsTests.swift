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
    let smooth = LossSettings.Choice.crossEntropy(CrossEntropy(smoothing: 0.1))
    #expect(try read(#"{"name": "cross-entropy", "smoothing": 0.1}"#) == LossSettings(smooth))
    let sum = try read(#"["cross-entropy", {"name": "cross-entropy", "smoothing": 0.1, "weight": 3}]"#)
    #expect(sum == LossSettings([.init(.crossEntropy(CrossEntropy())), .init(smooth, weight: 3)]))
  }

  @Test func `every loss survives being written and read, alone and in a sum`() throws {
    for name in LossSettings.Name.allCases {
      let alone = LossSettings(.init(name))
      #expect(alone.terms[0].choice.name == name)
      let sum = LossSettings([.init(.init(name), weight: 0.25), .init(.crossEntropy(CrossEntropy(weights: [1, 2])))])
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
}
