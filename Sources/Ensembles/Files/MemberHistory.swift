import HDF5
import Training

/// The history of a training as arrays over its epochs: `/history/rate`, `/history/loss`, and where there was
/// validation `/history/validation_loss` and `/history/metrics/NAME`. An epoch without a figure has NaN there.
enum MemberHistory {
  static func write(_ records: [EpochRecord], to file: File) throws {
    try file.write(records.map(\.rate), to: "history/rate")
    try file.write(records.map(\.loss), to: "history/loss")
    if records.contains(where: { $0.validationLoss != nil }) {
      try file.write(records.map { $0.validationLoss ?? .nan }, to: "history/validation_loss")
    }
    for name in Set(records.flatMap(\.metrics.keys)).sorted() {
      try file.write(records.map { $0.metrics[name] ?? .nan }, to: "history/metrics/\(name)")
    }
  }

  static func read(_ file: File) throws -> [EpochRecord] {
    let rates = try file.read("history/rate", as: Double.self)
    let losses = try file.read("history/loss", as: Double.self)
    var records = zip(rates, losses).map { EpochRecord(rate: $0, loss: $1) }
    if try file.exists("history/validation_loss") {
      for (index, loss) in try file.read("history/validation_loss", as: Double.self).enumerated() where !loss.isNaN {
        records[index].validationLoss = loss
      }
    }
    if try file.exists("history/metrics") {
      for name in try file.group("history/metrics").names() {
        for (index, value) in try file.read("history/metrics/\(name)", as: Double.self).enumerated() where !value.isNaN
        {
          records[index].metrics[name] = value
        }
      }
    }
    return records
  }
}
