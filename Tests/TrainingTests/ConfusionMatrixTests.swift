import TestSupport
import Testing

@testable import Training

@Suite("Confusion matrix")
struct ConfusionMatrixTests {
  private func matrix(_ labels: [UInt8], _ predictions: [UInt8], classes: Int) throws -> ConfusionMatrix {
    var matrix = ConfusionMatrix(classes: classes)
    try matrix.add(labels: labels, predictions: predictions)
    return matrix
  }

  @Test("every metric of a small matrix equals what is counted by hand")
  func byHand() throws {
    let found = try matrix([0, 0, 0, 1, 1, 2, 255, 2], [0, 0, 1, 1, 0, 2, 0, 2], classes: 3)
    #expect(found.counts == [2, 1, 0, 1, 1, 0, 0, 0, 2])
    #expect(found.pixels == 7)
    #expect(found.accuracy == 5.0 / 7)
    #expect(found.f1Micro == 5.0 / 7)
    #expect(found.precision(1) == 0.5)
    #expect(found.recall(0) == 2.0 / 3)
    #expect(found.f1(0) == 4.0 / 6)
    #expect(found.dice(1) == 0.5)
    #expect(found.iou(0) == 0.5)
    let macro: Double = (4.0 / 6 + 0.5 + 1) / 3
    #expect(found.f1Macro == macro)
    let iou: Double = (0.5 + 1.0 / 3 + 1) / 3
    #expect(found.meanIoU == iou)
  }

  @Test("a class that occurs nowhere does not enter the macro mean, one that is only predicted does")
  func absentClasses() throws {
    let found = try matrix([0, 0, 0, 0], [0, 0, 0, 1], classes: 4)
    for value in [found.f1(2), found.iou(3), found.recall(2), found.precision(2)] { #expect(value.isNaN) }
    #expect(found.f1(1) == 0)
    let macro: Double = (6.0 / 7 + 0) / 2
    #expect(found.f1Macro == macro)
  }

  @Test("without pixels every metric is undefined")
  func empty() throws {
    let found = try matrix([255], [9], classes: 2)
    #expect(found.pixels == 0)
    for value in [found.accuracy, found.f1Macro, found.f1Micro, found.meanIoU] { #expect(value.isNaN) }
  }

  @Test("merged parts equal the whole")
  func merged() throws {
    let labels: [UInt8] = [0, 1, 2, 1, 0, 2, 2]
    let predictions: [UInt8] = [0, 2, 2, 1, 1, 2, 0]
    var first = try matrix(Array(labels[..<3]), Array(predictions[..<3]), classes: 3)
    first.merge(try matrix(Array(labels[3...]), Array(predictions[3...]), classes: 3))
    #expect(try first == matrix(labels, predictions, classes: 3))
  }

  @Test("a label or prediction that is no class is named with its pixel")
  func outside() {
    let label = #expect(throws: ConfusionMatrix.LabelError.self) { try matrix([0, 7], [0, 0], classes: 2) }
    #expect(
      label?.description == "pixel 1 has label 7, but there are 2 classes (0 … 1); "
        + "correct the labels, or name this one as data.ignore")
    let prediction = #expect(throws: ConfusionMatrix.LabelError.self) { try matrix([0, 1], [3, 0], classes: 2) }
    #expect(prediction?.what == "prediction" && prediction?.pixel == 0)
  }
}

@Suite("Golden: metrics of a confusion matrix")
struct ConfusionMatrixGoldenTests {
  @Test("confusion matrix, F1, IoU and Dice equal the reference")
  func metrics() throws {
    let group = try Golden("uncertainty.h5").group("metrics")
    let ignore = try group.integers("ignore").values[0]
    let labels = try group.integers("labels").values.map { $0 == ignore ? 255 : UInt8($0) }
    let predictions = try group.integers("predictions").values.map { UInt8($0) }
    let expected = try group.integers("confusion")
    let classes = expected.shape[0]
    var matrix = ConfusionMatrix(classes: classes)
    try matrix.add(labels: labels, predictions: predictions)
    #expect(matrix.counts.map { Int($0) } == expected.values)
    expectClose([matrix.f1Micro], try group.doubles("f1_micro").values, relative: 1e-12, "f1_micro")
    expectClose([matrix.f1Macro], try group.doubles("f1_macro").values, relative: 1e-12, "f1_macro")
    let f1 = try group.doubles("f1_per_class").values
    expectClose((0..<classes).map { matrix.f1($0) }, f1, relative: 1e-12, "f1_per_class")
    expectClose((0..<classes).map { matrix.dice($0) }, f1, relative: 1e-12, "Dice, which is F1")
    let iou = try group.doubles("iou_per_class").values
    expectClose((0..<classes).map { matrix.iou($0) }, iou, relative: 1e-12, "iou_per_class")
  }
}
