import Foundation
import Testing

/// Something outside this package that a test needs.
public enum Requirement: String, Sendable, CaseIterable {
  /// More than one rank.
  case mpi
  /// A Slurm that can be started.
  case slurm
  /// Network name spaces, which stand for a second machine.
  case netns
  /// Python with h5py and numpy, and for the exchange of images the other packages of `Tests/python-requirements.txt`.
  case python
  /// Python with the packages of `Tests/python-readers.txt`, by which users look at results.
  case readers
  /// Chromium, which opens pages.
  case chromium
  /// man and groff, which show manual pages.
  case man

  /// Whether `TUTTI_REQUIRE`, a list with commas, says that it must be there.
  public var isRequired: Bool {
    let list = ProcessInfo.processInfo.environment["TUTTI_REQUIRE"] ?? ""
    return list.split(separator: ",").contains { $0.trimmingCharacters(in: .whitespaces) == rawValue }
  }

  /// Whether a test that needs this can go on. When it cannot, one line says which test is skipped; that is a failure
  /// when `TUTTI_REQUIRE` names the requirement.
  ///
  /// Used as `guard Requirement.python.holds(python != nil, "reading by h5py") else { return }`.
  public func holds(
    _ present: Bool, _ what: String, sourceLocation: SourceLocation = #_sourceLocation
  ) -> Bool {
    if present { return true }
    if isRequired {
      Issue.record(
        "\(what): needs \(rawValue), which is not there, but TUTTI_REQUIRE says it must be",
        sourceLocation: sourceLocation)
    } else {
      note("skipped: \(what) (needs \(rawValue))")
    }
    return false
  }
}

/// Prints one line that names the golden groups that a suite leaves out as not built yet; nothing when there are none.
public func reportSkipped(_ suite: String, _ groups: [String]) {
  if !groups.isEmpty { note("skipped: \(suite), not built yet: \(groups.joined(separator: ", "))") }
}

/// A line on the test's standard output.
public func note(_ line: String) {
  FileHandle.standardOutput.write(Data((line + "\n").utf8))
}

/// The path of a program in `PATH`, nil when it is not there.
public func program(_ name: String) -> String? {
  let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
  return folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
}

/// What a program printed and how it ended.
public struct Ended: Sendable {
  public let status: Int32
  public let output: String
  public let errors: String

  public init(status: Int32, output: String, errors: String) {
    self.status = status
    self.output = output
    self.errors = errors
  }
}

/// Runs a program and waits for it.
public func run(_ path: String, _ arguments: [String], environment: [String: String] = [:]) throws -> Ended {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: path)
  process.arguments = arguments
  process.environment = ProcessInfo.processInfo.environment.merging(environment) { $1 }
  return try TemporaryFolder.with { folder in
    // Through files: two pipes could each fill while the other is read.
    let names = ["output", "errors"].map { folder + "/" + $0 }
    let handles = try names.map { name in
      _ = FileManager.default.createFile(atPath: name, contents: nil)
      return try FileHandle(forWritingTo: URL(fileURLWithPath: name))
    }
    process.standardOutput = handles[0]
    process.standardError = handles[1]
    try process.run()
    process.waitUntilExit()
    for handle in handles { try handle.close() }
    let texts = try names.map { String(decoding: try Data(contentsOf: URL(fileURLWithPath: $0)), as: UTF8.self) }
    return Ended(status: process.terminationStatus, output: texts[0], errors: texts[1])
  }
}

/// A Python that has h5py and numpy: `TUTTI_PYTHON`, which `Tests/run.sh` sets, else the one in `PATH`; nil when it cannot
/// import them.
public let python: String? = {
  let named = ProcessInfo.processInfo.environment["TUTTI_PYTHON"]
  guard let path = named ?? program("python3") else { return nil }
  return (try? run(path, ["-c", "import h5py, numpy"]))?.status == 0 ? path : nil
}()
