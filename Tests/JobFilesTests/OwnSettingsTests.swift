import Foundation
import Testing
import Training

@testable import JobFiles
@testable import Settings

/// A loss that the library does not know: the mean of |d|^power.
private struct PowerLoss: RegressionLoss {
  static let name = "power"
  static let meaning = "a power of |difference|, of this test alone"
  static let settings: [Setting<Self>] = [
    Setting("exponent", \.exponent, .number(.above(0, below: 4)), "the power of this test")
  ]

  var exponent = 1.5

  func term(_ difference: Double) -> Double { pow(abs(difference), exponent) }

  func derivative(_ difference: Float) -> Float {
    Float(exponent) * pow(abs(difference), Float(exponent) - 1) * (difference < 0 ? -1 : 1)
  }
}

/// An optimizer that the library does not know: it goes a fixed part of the way.
private struct FixedStep: OptimizerMethod {
  static let name = "fixed-step"
  static let meaning = "a fixed step, of this test alone"
  static let settings: [Setting<Self>] = [
    Setting("part", \.part, .number(.above(0, below: 1)), "the part of this test")
  ]

  var part = 0.5
  var state: OptimizerState { [] }

  func set(_ step: inout OptimizerStep) { step.direct = step.rate * part }
}

/// A schedule that the library does not know.
private struct Zigzag: ScheduleShape {
  static let name = "zigzag"
  static let meaning = "every other rate is less, of this test alone"
  static let settings: [Setting<Self>] = [Setting("low", \.low, .number(.from(0...1)), "the lesser part of this test")]

  var low = 0.25

  func rate(at time: Int, of total: Int, base: Double) -> Double {
    time.isMultiple(of: 2) ? base : low * base
  }
}

@Suite("Losses, optimizers and schedules of a user of the library")
struct OwnSettingsTests {
  private let text = """
    tutti: 1
    name: x
    task: regression
    data: {images: a.h5, targets: b.h5, split: {}}
    network: {family: tunet}
    training:
      loss: [{name: power, exponent: 3, weight: 2}, mse]
      optimizer: {name: fixed-step, part: 0.75, rate: 2}
      schedule: {name: zigzag, warm-up: 2}
    output: r.h5
    """

  private func withOwn<Result>(_ body: () throws -> Result) rethrows -> Result {
    try Losses.$all.withValue(Losses.all + [PowerLoss.self]) {
      try Optimizers.$all.withValue(Optimizers.all + [FixedStep.self]) {
        try Schedules.$all.withValue(Schedules.all + [Zigzag.self], operation: body)
      }
    }
  }

  @Test("they are read from a job file, stored and read back")
  func read() throws {
    try withOwn {
      let job = try JobFile(text: text, path: "job.yaml", folder: nil).job
      #expect(
        job.training.loss == LossSettings([.init(PowerLoss(exponent: 3), weight: 2), .init(MeanSquaredError())]))
      #expect(job.training.recipe.optimizer == OptimizerSettings(FixedStep(part: 0.75), rate: 2))
      #expect(job.training.recipe.schedule == RateSchedule(Zigzag(), warmUp: 2))
      #expect(job.canonicalText.contains(#"{"exponent":3,"name":"power","weight":2}"#))
      #expect(try JSONDecoder().decode(Job.self, from: JSONEncoder().encode(job)) == job)
    }
  }

  @Test("their settings are checked, with lines")
  func messages() throws {
    let wrong = text.replacingOccurrences(of: "exponent: 3", with: "exponent: 5")
    let error = #expect(throws: JobError.self) {
      try withOwn { _ = try JobFile(text: wrong, path: "job.yaml", folder: nil) }
    }
    #expect(
      error?.description == "job.yaml:7: training.loss.exponent: must be above 0 and below 4, not 5")
  }

  @Test("they stand in the schema and in the documentation")
  func documentation() {
    withOwn {
      for word in [
        "power", "exponent", "fixed-step", "zigzag", "the power of this test", "the lesser part of this test",
      ] {
        #expect(JobFile.schema.contains(word) && JobFile.documentation.contains(word), "\(word)")
      }
    }
    #expect(!JobFile.schema.contains("fixed-step") && !JobFile.documentation.contains("fixed-step"))
  }

  @Test("without them the names are unknown")
  func unknown() {
    #expect(throws: JobError.self) { try JobFile(text: text, path: "job.yaml", folder: nil) }
  }
}
