import ArgumentParser
import Ensembles
import Foundation
import JobFiles
import Pipeline
import Synchronization

#if canImport(Glibc)
  import Glibc
#endif

/// How a command tells how far it is.
enum ProgressStyle: String, CaseIterable, ExpressibleByArgument {
  /// On a terminal lines that are written over, elsewhere lines that stay.
  case auto
  /// Lines that stay: the first within five seconds, then one every twenty.
  case plain
  /// A JSON object a line.
  case json
  /// Messages alone.
  case none
}

/// Shows messages and how far a run is, on standard error, and keeps them in the run's log.
final class ProgressDisplay: Sendable {
  private struct State {
    var progress = RunProgress()
    /// Lines on the terminal that the next ones are written over.
    var rows = 0
    /// When a line was last written that stays.
    var lastLine = 0.0
    /// When the terminal was last written to.
    var lastRows = -1.0
    var isOver = false
    /// What was said before there was a log file.
    var earlier: [String] = []
  }

  private let rank: Int
  private let isShown: Bool
  private let style: ProgressStyle
  private let isTerminal: Bool
  private let start = ContinuousClock.now
  private let state = Mutex(State())

  /// - Parameter rank: of this process; messages and progress are those of the first, warnings of each.
  init(rank: Int, style: ProgressStyle = .auto) {
    self.rank = rank
    isShown = rank == 0
    self.style = style
    isTerminal = style == .auto && Terminal.isThere
    guard isShown, style != .none else { return }
    // Work may be silent for minutes: a thread looks whether a line is due.
    let thread = Thread { [weak self] in
      while let display = self, !display.state.withLock({ $0.isOver }) {
        display.state.withLock { display.refresh(&$0, isTick: true) }
        usleep(500_000)
      }
    }
    thread.stackSize = 1 << 19
    thread.start()
  }

  deinit { state.withLock { finish(&$0) } }

  var log: Log {
    var log = Log(note: { self.note($0) }, warn: { self.warn($0) }, progress: { self.show($0) })
    log.stage = { stage, part in self.update { $0.progress.take(stage, part: part, at: self.seconds) } }
    log.plan = { work, members, trained in
      self.update { $0.progress.plan(work, members: members, trained: trained) }
    }
    log.keep = { path in
      guard LogFile.path == nil else { return }
      LogFile.open(path, rank: self.rank, earlier: self.state.withLock { $0.earlier })
    }
    return log
  }

  /// Ends the display: nothing is written over any more.
  func finish() { state.withLock { finish(&$0) } }

  /// Shows a warning of this rank, whatever rank it is.
  func warn(_ text: String) { say(text, event: "warning") }

  func note(_ text: String) {
    if isShown { say(text, event: "note") }
  }

  func show(_ progress: MemberQueue.Progress) {
    guard isShown else { return }
    state.withLock { state in
      if let text = state.progress.take(progress, at: seconds) { say(text, event: "member", &state) }
      refresh(&state, isTick: false)
    }
  }

  // MARK: Helpers

  private var seconds: Double { (ContinuousClock.now - start) / .seconds(1) }

  private func update(_ change: (inout State) -> Void) {
    guard isShown else { return }
    state.withLock { state in
      change(&state)
      refresh(&state, isTick: false)
    }
  }

  private func say(_ text: String, event: String) { state.withLock { say(text, event: event, &$0) } }

  private func say(_ text: String, event: String, _ state: inout State) {
    clear(&state)
    if style == .json {
      write(Self.json(["event": event, "text": text]) + "\n")
    } else {
      write("tutti: \(text)\n")
    }
    keep(text, &state)
    state.lastLine = seconds
  }

  private func keep(_ text: String, _ state: inout State) {
    if LogFile.path == nil { state.earlier.append(text) } else { LogFile.write(text) }
  }

  /// Writes how far the run is, if that is due.
  private func refresh(_ state: inout State, isTick: Bool) {
    guard !state.isOver, style != .none else { return }
    let now = seconds
    let isDue = now - state.lastLine >= (state.lastLine == 0 ? 4 : 19)
    if isTerminal {
      if isDue {
        keep(state.progress.line(at: now), &state)
        state.lastLine = now
      }
      // Short commands show nothing; a screen is read a few times a second.
      guard now > 0.5, now - state.lastRows >= 0.2 else { return }
      state.lastRows = now
      let rows = state.progress.rows(at: now, width: Terminal.width)
      clear(&state)
      let last = rows.count - 1
      write(
        rows.enumerated().map { $0.offset == last ? Terminal.emphasized($0.element) : $0.element }.joined(
          separator: "\n"))
      state.rows = rows.count
    } else if isDue {
      let line = state.progress.line(at: now)
      write((style == .json ? state.progress.json(at: now) : line) + "\n")
      keep(line, &state)
      state.lastLine = now
    }
  }

  private func finish(_ state: inout State) {
    clear(&state)
    state.isOver = true
  }

  private func clear(_ state: inout State) {
    guard state.rows > 0 else { return }
    write("\r" + String(repeating: "\u{1B}[2K\u{1B}[1A", count: state.rows - 1) + "\u{1B}[2K")
    state.rows = 0
  }

  private static func json(_ values: [String: String]) -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = .sortedKeys
    return (try? encoder.encode(values)).map { String(decoding: $0, as: UTF8.self) } ?? "{}"
  }

  private func write(_ text: String) { FileHandle.standardError.write(Data(text.utf8)) }
}

/// What standard error is written to.
enum Terminal {
  /// The variable by which a process that starts others tells them the width of its terminal.
  static let variable = "TUTTI_TERMINAL"

  /// Whether it is a terminal on which lines can be written over.
  static var isThere: Bool {
    let environment = ProcessInfo.processInfo.environment
    guard environment["TERM"] != "dumb" else { return false }
    return isatty(STDERR_FILENO) != 0 || environment[variable] != nil
  }

  /// Columns.
  static var width: Int {
    var size = winsize()
    if ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 { return Int(size.ws_col) }
    let environment = ProcessInfo.processInfo.environment
    return (environment[variable] ?? environment["COLUMNS"]).flatMap { Int($0) } ?? 100
  }

  /// A line that stands out, where colours are wanted (https://no-color.org).
  static func emphasized(_ text: String) -> String {
    let environment = ProcessInfo.processInfo.environment
    guard environment["NO_COLOR"].map(\.isEmpty) ?? true else { return text }
    return "\u{1B}[32m\(text)\u{1B}[0m"
  }
}
