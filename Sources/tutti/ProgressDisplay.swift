import Ensembles
import Foundation
import JobFiles
import Pipeline

#if canImport(Glibc)
  import Glibc
#endif

/// Shows how training goes: on a terminal one line for all ranks that is written over, else a line for each member and
/// one every half a minute.
final class ProgressDisplay {
  private let isShown: Bool
  private let isTerminal = isatty(STDERR_FILENO) != 0
  private var active: [Int: MemberQueue.Progress] = [:]
  private var ended = 0
  private let start = ContinuousClock.now
  private var hasLine = false
  /// When a line was last written that stays.
  private var lastLine = ContinuousClock.now

  init(isShown: Bool) { self.isShown = isShown }

  var log: Log { Log(note: { self.note($0) }, warn: { self.warn($0) }, progress: { self.show($0) }) }

  /// Shows a warning of this rank, whatever rank it is.
  func warn(_ text: String) {
    clear()
    write("tutti: \(text)\n")
  }

  func note(_ text: String) {
    guard isShown else { return }
    clear()
    write("tutti: \(text)\n")
    lastLine = .now
  }

  func show(_ progress: MemberQueue.Progress) {
    guard isShown else { return }
    if progress.epoch == progress.epochs {
      active[progress.member] = nil
      ended += 1
      clear()
      write(
        "tutti: member \(progress.member) is trained: \(progress.epochs) \(progress.epochs == 1 ? "epoch" : "epochs") on rank \(progress.rank), "
          + "loss \(Self.short(progress.loss)), \(elapsed)\n")
    } else {
      active[progress.member] = progress
    }
    guard !active.isEmpty, isTerminal || ContinuousClock.now - lastLine > .seconds(30) else { return }
    let members = active.values.sorted { $0.member < $1.member }.map {
      "\($0.member): epoch \($0.epoch)/\($0.epochs) loss \(Self.short($0.loss))"
    }
    clear()
    write("\(elapsed)  " + members.joined(separator: "   ") + (isTerminal ? "" : "\n"))
    hasLine = isTerminal
    lastLine = .now
  }

  private func clear() {
    if hasLine { write("\r\u{1B}[2K") }
    hasLine = false
  }

  private var elapsed: String {
    let seconds = Int((ContinuousClock.now - start) / .seconds(1))
    let rest = seconds % 60
    return "\(seconds / 60):\(rest < 10 ? "0" : "")\(rest)"
  }

  private static func short(_ value: Double) -> String { String(format: "%.4f", value) }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}
