import Ensembles
import Foundation
import Host
import MessagePassing

/// Where the time of a stage went, over all ranks.
public struct TimeUse: Hashable, Sendable {
  /// Of each rank, the seconds of each phase in the order of `Timeline.Phase.allCases`.
  public let phases: [[Double]]
  /// Seconds from the stage's beginning to its end.
  public let elapsed: Double

  /// Times as measured.
  public init(phases: [[Double]], elapsed: Double) {
    self.phases = phases
    self.elapsed = elapsed
  }

  /// The part of all ranks' time in which they did what one rank alone would have to do as well.
  public var efficiency: Double {
    let work = phases.reduce(0) { $0 + zip(Timeline.Phase.allCases, $1).reduce(0) { $0 + ($1.0.isWork ? $1.1 : 0) } }
    return work / (Double(phases.count) * elapsed)
  }

  /// One line for people: the phases that took time, and the efficiency.
  public var line: String {
    let total = Double(phases.count) * elapsed
    var parts: [String] = []
    var rest = total
    for phase in Timeline.Phase.allCases {
      let seconds = phases.reduce(0) { $0 + $1[phase.rawValue] }
      rest -= seconds
      if seconds >= 0.0005 * total { parts.append("\(phase.name) \(Self.percent(seconds / total))") }
    }
    parts.append("other \(Self.percent(max(0, rest) / total))")
    let idle = phases.map { $0[Timeline.Phase.wait.rawValue] }
    var line = String(format: "%.1f s", elapsed) + ": " + parts.joined(separator: ", ")
    if phases.count > 1 {
      line += String(format: "; parallel efficiency %.2f", efficiency)
      if let longest = idle.max(), longest >= 0.01 * elapsed, let rank = idle.firstIndex(of: longest) {
        line += String(format: "; rank %d waited longest, %.1f s", rank, longest)
      }
    }
    return line
  }

  private static func percent(_ part: Double) -> String { String(format: "%.1f %%", 100 * part) }
}

extension TimeUse {
  /// Where the time went since the timeline began, on all ranks. Collective.
  ///
  /// - Throws: `MPIError`.
  init(_ timeline: Timeline, over world: Communicator) throws {
    let elapsed = try world.allGather(timeline.elapsed).max() ?? 0
    self.init(phases: try world.allGather(timeline.seconds), elapsed: elapsed)
  }
}

extension Run {
  /// Writes what every rank did when as a Chrome trace (chrome://tracing, ui.perfetto.dev), a process for each rank, if
  /// the options ask for one. Collective.
  ///
  /// - Throws: on all ranks, when the file cannot be written.
  public func writeTrace() throws {
    guard let path = options.trace else { return }
    let timeline = try workers().team.timeline
    let parts = try world.allGather(
      timeline.trace.flatMap { [$0.start, $0.duration, Int64($0.phase), Int64($0.member)] })
    let dropped = try world.allGather(timeline.dropped).reduce(0, +)
    try world.onRoot {
      var lines: [String] = []
      for (rank, numbers) in parts.enumerated() {
        lines.append(
          #"{"name":"process_name","ph":"M","pid":\#(rank),"tid":0,"args":{"name":"rank \#(rank)"}}"#)
        for first in stride(from: 0, to: numbers.count, by: 4) {
          let name = Timeline.Phase(rawValue: Int(numbers[first + 2]))?.name ?? "other"
          let member = numbers[first + 3]
          let arguments = member < 0 ? "" : #","args":{"member":\#(member)}"#
          lines.append(
            #"{"name":"\#(name)","ph":"X","pid":\#(rank),"tid":0,"ts":\#(Self.micro(numbers[first])),"#
              + #""dur":\#(Self.micro(numbers[first + 1]))\#(arguments)}"#)
        }
      }
      let text = "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n" + lines.joined(separator: ",\n") + "\n]}\n"
      do {
        try text.write(toFile: path, atomically: true, encoding: .utf8)
      } catch {
        throw RunError.file(path, action: "written", reason: error.localizedDescription)
      }
    }
    if dropped > 0 { log.note("\(dropped) late phases had no room in the trace \(path).") }
  }

  private static func micro(_ nanoseconds: Int64) -> String {
    let rest = String(nanoseconds % 1000)
    return "\(nanoseconds / 1000)." + String(repeating: "0", count: 3 - rest.count) + rest
  }
}
