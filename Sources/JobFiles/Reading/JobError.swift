/// Why a job file cannot be used: all that is wrong with it, at once.
public enum JobError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file cannot be read at all.
  case unreadable(file: String, reason: String)
  /// What is wrong, in the order of lines; never empty.
  case problems(file: String, [Problem])

  /// One thing that is wrong.
  public struct Problem: Hashable, Sendable {
    /// From 1.
    public let line: Int
    /// Keys from the top, `network.dilations`; empty for the file as a whole.
    public let path: String
    /// What is wrong and what to do, without a full stop.
    public let message: String

    /// A problem with the setting of a path.
    public init(line: Int, path: String, message: String) {
      self.line = line
      self.path = path
      self.message = message
    }
  }

  /// One line for each problem: `FILE:LINE: PATH: MESSAGE`.
  public var description: String {
    switch self {
    case .unreadable(let file, let reason): "\(file): \(reason)"
    case .problems(let file, let problems):
      problems.map { problem in
        "\(file):\(problem.line): " + (problem.path.isEmpty ? "" : "\(problem.path): ") + problem.message
      }.joined(separator: "\n")
    }
  }
}
