import Foundation
import HDF5
import Imaging
import TestSupport
import Testing
import Uncertainty

@testable import Pipeline

/// How figures and thresholds are told.
@Suite struct FigureTests {
  @Test(arguments: [
    (0.5, "0.5000"), (-0.25, "-0.2500"), (0, "0.0000"), (1.234567e-7, "1.235e-07"), (-4e-4, "-4.000e-04"),
    (1_234_567_890, "1.235e+09"), (123456.789, "123456.7890"), (.nan, "–"), (.infinity, "–"),
  ])
  func `figures keep their leading digits, however small or large`(value: Double, text: String) {
    #expect(TextTable.number(value) == text)
  }

  @Test(arguments: [
    (TargetScaling.standard, "standard deviations of the training targets"),
    (.range, "ranges of the training targets, from the least to the largest"), (.none, "the unit of the targets"),
  ])
  func `a threshold is told in the unit that targets are scaled by, and so it is read`(
    scaling: TargetScaling, unit: String
  ) throws {
    let intervals = ConformalIntervals(.residual, levels: [try Coverage(0.9)], thresholds: [.score(2)], scores: 10)
    let calibration = Calibration(intervals, unit: scaling.unit)
    try TemporaryFolder.with { folder in
      let path = "\(folder)/c.h5"
      let written = try File(creating: path)
      try CalibrationFile.write(calibration, to: written.root)
      try written.close()
      let file = try File(opening: path)
      #expect(
        try file.dataset("threshold").attribute("long_name", as: String.self) == "half width of the interval in \(unit)"
      )
      try file.close()
      #expect(try CalibrationFile.read(path) == calibration)
    }
  }
}
