import Engine
import Foundation
import HDF5
import Host
import Imaging
import Networks

/// The version of this program.
public let tuttiVersion = "0.1.0"

/// One trained member in an HDF5 file: `/network` (graph and settings as JSON), `/parameters/NAME`, `/statistics/NAME`,
/// `/history` (`MemberHistory`), `/scaling`, `/target_scaling` (of target images), `/bootstrap`, `/classes`.
///
/// Files keep no times, so that equal members give equal bytes.
public enum MemberFile {
  /// Version of the form.
  public static let version = 2
  /// What the attribute `format` of a member's file says.
  public static let format = "tutti member"

  /// The name of a member's file in the folder of its ensemble.
  public static func name(_ member: Int) -> String {
    let digits = String(member)
    return "member-" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits + ".h5"
  }

  // MARK: Writing

  /// Writes a member with a checksum; at `path` stands the old file or the complete new one.
  ///
  /// - Throws: `HDF5Error`, `FileError` when the file cannot be written, or `MemberFileError`.
  public static func write(_ member: TrainedMember, to path: String) throws {
    try ChecksummedFile.write(path) { try write(member, to: $0, path: path) }
  }

  private static func write(_ member: TrainedMember, to file: File, path: String) throws {
    try file.setAttribute("format", format)
    try file.setAttribute("version", version)
    try file.setAttribute("tutti", tuttiVersion)
    try file.setAttribute("numerics", Plan.numericsVersion)
    try file.setAttribute("seed", member.settings.seed)
    try file.setAttribute("member", member.index)
    try file.setAttribute("job", member.fingerprint)
    if let processor = member.processor { try file.setAttribute("processor", processor) }
    if let failure = member.earlierFailure {
      try file.setAttribute("earlier_failure", failure)
      try file.setAttribute("rate_factor", member.rateFactor)
    }
    if member.attempt > 0 { try file.setAttribute("attempt", member.attempt) }
    if let origin = member.origin {
      try file.setAttribute("data", origin.numbers)
      try file.write(origin.settings, to: "network/job")
    }
    let layout = try member.graph.layout(extents: member.settings.patch)
    guard layout.parameterCount == member.parameters.count, layout.statisticCount == member.statistics.count else {
      throw MemberFileError(
        path: path, problem: "member \(member.index) has weights of another network; this is a fault of the program.")
    }
    try file.write(try json(member.graph, path), to: "network/graph")
    try file.write(try json(member.settings, path), to: "network/settings")
    for entry in layout.parameters {
      try file.write(Array(member.parameters[entry.range]), shape: entry.shape, to: "parameters/\(entry.name)")
    }
    for entry in layout.statistics {
      try file.write(Array(member.statistics[entry.range]), shape: entry.shape, to: "statistics/\(entry.name)")
    }
    try MemberHistory.write(member.history, to: file)
    try file.write(member.scaling.mean, to: "scaling/mean")
    try file.write(member.scaling.standardDeviation, to: "scaling/standard_deviation")
    if !member.scaling.isLinear {
      try file.group("scaling").setAttribute("rule", member.scaling.rule.rawValue)
      try file.group("scaling").setAttribute("transform", member.scaling.transform.rawValue)
    }
    if let limits = member.scaling.limits {
      try file.write(
        limits.flatMap { [$0.lowerBound, $0.upperBound] }, shape: [limits.count, 2], to: "scaling/limits")
    }
    if let scaling = member.targetScaling {
      try file.write(scaling.mean, to: "target_scaling/mean")
      try file.write(scaling.standardDeviation, to: "target_scaling/standard_deviation")
      if !scaling.isLinear {
        try file.group("target_scaling").setAttribute("rule", scaling.rule.rawValue)
        try file.group("target_scaling").setAttribute("transform", scaling.transform.rawValue)
      }
    }
    try file.write(member.bag.drawn, to: "bootstrap/drawn")
    try file.write(member.bag.outOfBag, to: "bootstrap/out_of_bag")
    if !member.classes.isEmpty { try file.write(member.classes, to: "classes") }
  }

  private static func json(_ value: some Encodable, _ path: String) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      return String(decoding: try encoder.encode(value), as: UTF8.self)
    } catch {
      throw MemberFileError(path: path, problem: "a setting has no JSON form: \(error)")
    }
  }

  // MARK: Reading

  /// Reads a member and checks that it is complete and as it was written.
  ///
  /// - Parameters:
  ///   - job: the fingerprint of the job that it must belong to; nil takes a member of any job, for predictions.
  ///   - index: the member that it must be; nil takes any.
  /// - Throws: `HDF5Error` when the file or a part of it is missing, `MemberFileError` when it is not what it should
  ///   be.
  public static func read(_ path: String, job: UInt64? = nil, member index: Int? = nil) throws -> TrainedMember {
    try ChecksummedFile.read(path) { try read($0, path, job: job, member: index) }
  }

  /// What the member in a file was trained from, without reading its weights.
  ///
  /// - Returns: the job's fingerprint, and the origin; nil when the file was written by a program that did not say.
  /// - Throws: `HDF5Error`, or `MemberFileError` when it is no member's file.
  public static func origin(_ path: String) throws -> (fingerprint: UInt64, origin: MemberOrigin?) {
    try ChecksummedFile.read(path) { file in
      guard try file.hasAttribute("format"), try file.attribute("format", as: String.self) == format else {
        throw MemberFileError(
          path: path, problem: "this HDF5 file is not a member of an ensemble; ‘tutti train’ makes those.")
      }
      return (try file.attribute("job", as: UInt64.self), try origin(of: file))
    }
  }

  /// What the bits of a member or checkpoint depend on besides its job: the kind of processor, and the C library where
  /// that computed some of the functions. Nil where the file does not say.
  static func platform(of file: File) throws -> String? {
    guard try file.hasAttribute("processor") else { return nil }
    let processor = try file.attribute("processor", as: String.self)
    let ownFunctions = try file.attribute("numerics", as: Int.self) == Plan.numericsVersion
    return ownFunctions ? processor : processor + ", functions of the C library"
  }

  private static func origin(of file: File) throws -> MemberOrigin? {
    guard try file.hasAttribute("data"), let settings = try file.readStrings("network/job").first else { return nil }
    return MemberOrigin(settings: settings, numbers: try file.attributes("data", as: UInt64.self))
  }

  private static func read(_ file: File, _ path: String, job: UInt64?, member index: Int?) throws -> TrainedMember {
    func fail(_ problem: String) -> MemberFileError { MemberFileError(path: path, problem: problem) }
    guard try file.hasAttribute("format"), try file.attribute("format", as: String.self) == format else {
      throw fail("this HDF5 file is not a member of an ensemble; ‘tutti train’ makes those.")
    }
    let found = try file.attribute("version", as: Int.self)
    guard found == version else {
      throw fail(
        "its form is version \(found), this tutti reads version \(version); train again or use the other tutti.")
    }
    let fingerprint = try file.attribute("job", as: UInt64.self)
    if let job {
      guard fingerprint == job else {
        throw fail(
          "it was trained by another job (\(hex(fingerprint)), this one is \(hex(job))): data or settings differ. "
            + "Give --overwrite to train it again, or name another output in the job file.")
      }
      let numerics = try file.attribute("numerics", as: Int.self)
      guard Plan.readableNumerics.contains(numerics) else {
        throw fail(
          "it was trained by a tutti with other numerics (version \(numerics), this one has \(Plan.numericsVersion)); "
            + "an ensemble is not mixed. Remove the file to train the member again.")
      }
    }
    let number = try file.attribute("member", as: Int.self)
    if let index, index != number {
      throw fail("it holds member \(number) where member \(index) was expected; was the file renamed?")
    }
    let settings: EnsembleSettings = try decode(file, "network/settings", fail)
    let graph: NetworkGraph = try decode(file, "network/graph", fail)
    let layout: ParameterLayout
    do {
      layout = try graph.layout(extents: settings.patch)
    } catch {
      throw fail("its network cannot be: \(error)")
    }
    var member = TrainedMember(
      index: number, graph: graph, parameters: try values(layout.parameters, in: "parameters", of: file, fail),
      statistics: try values(layout.statistics, in: "statistics", of: file, fail),
      history: try MemberHistory.read(file),
      bag: Bag(
        drawn: try file.read("bootstrap/drawn", as: Int.self),
        outOfBag: try file.read("bootstrap/out_of_bag", as: Int.self)),
      settings: settings, scaling: try scaling("scaling", in: file, channels: settings.imageChannels, fail),
      targetScaling: settings.task.hasClasses
        ? nil : try scaling("target_scaling", in: file, channels: settings.targetChannels, fail),
      classes: settings.classes > 0 ? try file.readStrings("classes") : [], fingerprint: fingerprint)
    member.origin = try origin(of: file)
    member.processor = try platform(of: file)
    if try file.hasAttribute("earlier_failure") {
      member.earlierFailure = try file.attribute("earlier_failure", as: String.self)
      member.rateFactor = try file.attribute("rate_factor", as: Double.self)
    }
    if try file.hasAttribute("attempt") { member.attempt = try file.attribute("attempt", as: Int.self) }
    guard member.classes.count == settings.classes else {
      throw fail("it names \(member.classes.count) classes but its network tells \(settings.classes) apart.")
    }
    return member
  }

  private static func decode<Value: Decodable>(
    _ file: File, _ path: String, _ fail: (String) -> MemberFileError
  ) throws -> Value {
    let text = try file.readStrings(path).first ?? ""
    do {
      return try JSONDecoder().decode(Value.self, from: Data(text.utf8))
    } catch {
      throw fail("/\(path) is not the JSON of a \(Value.self): \(error)")
    }
  }

  private static func values(
    _ entries: [ParameterLayout.Entry], in group: String, of file: File, _ fail: (String) -> MemberFileError
  ) throws -> [Float] {
    var result: [Float] = []
    for entry in entries {
      let dataset = try file.dataset("\(group)/\(entry.name)")
      let shape = try dataset.shape
      guard shape == entry.shape else {
        throw fail("/\(group)/\(entry.name) has shape \(shape), but its network needs \(entry.shape).")
      }
      let values = try dataset.read(as: Float.self)
      guard values.allSatisfy(\.isFinite) else {
        throw fail(
          "/\(group)/\(entry.name) holds values that are not finite; remove the file to train the member again.")
      }
      result += values
    }
    return result
  }

  private static func scaling(
    _ group: String, in file: File, channels: Int, _ fail: (String) -> MemberFileError
  ) throws -> IntensityScaling {
    let mean = try file.read("\(group)/mean", as: Double.self)
    let deviation = try file.read("\(group)/standard_deviation", as: Double.self)
    guard mean.count == channels, deviation.count == channels, deviation.allSatisfy({ $0 > 0 }) else {
      throw fail("/\(group) does not fit a network of \(channels) channels.")
    }
    var scaling = IntensityScaling(mean: mean, standardDeviation: deviation)
    let stored = try file.group(group)
    if try stored.hasAttribute("rule") {
      let (rule, transform) = (
        try stored.attribute("rule", as: String.self), try stored.attribute("transform", as: String.self)
      )
      guard let rule = ScalingRule(rawValue: rule), let transform = IntensityTransform(rawValue: transform) else {
        throw fail("/\(group) says ‘\(rule)’ and ‘\(transform)’, which this tutti does not know.")
      }
      (scaling.rule, scaling.transform) = (rule, transform)
    }
    if try stored.exists("limits") {
      let values = try stored.read("limits", as: Double.self)
      guard values.count == 2 * channels, (0..<channels).allSatisfy({ values[2 * $0] <= values[2 * $0 + 1] }) else {
        throw fail("/\(group)/limits does not fit a network of \(channels) channels.")
      }
      scaling.limits = (0..<channels).map { values[2 * $0]...values[2 * $0 + 1] }
    }
    return scaling
  }

  private static func hex(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
}

/// What is wrong with a member's file.
public struct MemberFileError: Error, Hashable, Sendable, CustomStringConvertible {
  /// The file.
  public let path: String
  /// What is wrong with it, and what to do.
  public let problem: String

  public var description: String { "\(path): \(problem)" }
}
