import HDF5
import JobFiles
import Uncertainty

/// How an ensemble's members are combined, as a calibration keeps it: its group `combination`.
struct KnownCombination: Hashable, Sendable {
  /// Of the members that count.
  var form = MemberCombination()
  /// Their numbers; empty: all count.
  var members: [Int] = []
  /// The numbers of those that do not.
  var leftOut: [Int] = []
  /// By which rule they were weighed.
  var rule = MemberWeights.equal
  /// On what temperature, λ and k were tuned, in words; nil: they were not.
  var tunedOn: String?

  private static let name = "combination"

  /// Writes the group, unless members are averaged and nothing else.
  func write(to calibration: Group) throws {
    guard !form.isPlain || tunedOn != nil else { return }
    let group = try calibration.createGroup(Self.name)
    try group.setAttribute("average", form.average.rawValue)
    try group.setAttribute("weights", rule.rawValue)
    try group.write(form.temperature, to: "temperature").setAttribute(
      "long_name", "what logarithms of averaged probabilities are divided by")
    if let tunedOn { try group.setAttribute("tuned_on", tunedOn) }
    guard !form.weights.isEmpty else { return }
    try group.write(members.map { Int32($0) }, to: "member")
    try group.write(leftOut.map { Int32($0) }, to: "left_out").setAttribute("long_name", "members of weight 0")
    try group.write(form.weights.flatMap { $0 }, shape: [form.weights.count, members.count], to: "weight")
      .setAttribute(
        "long_name",
        form.weights.count > 1
          ? "weight of each member, by class or channel" : "weight of each member: \(rule.meaning)")
  }

  /// Members that all count alike.
  init() {}

  /// What a calibration says; members that all count alike where it says nothing.
  init(in calibration: Group) throws {
    guard try calibration.exists(Self.name) else { return }
    let group = try calibration.group(Self.name)
    func wrong(_ problem: String) -> RunError { .notResults(calibration.object.path, problem: problem) }
    guard let average = MemberCombination.Average(rawValue: try group.attribute("average", as: String.self)),
      let rule = MemberWeights(rawValue: try group.attribute("weights", as: String.self))
    else { throw wrong("its members are combined in a way that this tutti does not know") }
    (form.average, self.rule) = (average, rule)
    form.temperature = try group.read("temperature", as: Double.self).first ?? 1
    if try group.hasAttribute("tuned_on") { tunedOn = try group.attribute("tuned_on", as: String.self) }
    guard try group.exists("weight") else { return }
    members = try group.read("member", as: Int.self)
    leftOut = try group.read("left_out", as: Int.self)
    let values = try group.read("weight", as: Double.self)
    guard !members.isEmpty, values.count.isMultiple(of: members.count), values.allSatisfy({ $0 >= 0 }),
      form.temperature > 0
    else { throw wrong("its weights do not fit its members") }
    form.weights = stride(from: 0, to: values.count, by: members.count).map {
      Array(values[$0..<$0 + members.count])
    }
  }

  /// What is to be said of it: a line each.
  ///
  /// - Parameter method: with its λ and k.
  func remarks(_ method: ConformalMethod) -> [String] {
    var lines: [String] = []
    var parts: [String] = []
    if form.average == .logits { parts.append("logits are averaged") }
    if !form.weights.isEmpty {
      let out = leftOut.isEmpty ? "" : "; \(leftOut.map { "\($0)" }.joined(separator: ", ")) do not predict"
      parts.append("members are weighted (\(rule.rawValue)\(out))")
    }
    if form.temperature != 1 { parts.append("temperature \(TextTable.number(form.temperature))") }
    if let own = method.regularization {
      parts.append("λ \(own.penalty) and k \(own.free) of \(method.name)")
    }
    guard !parts.isEmpty else { return [] }
    let ends = TemperatureScaling.range
    if tunedOn != nil, form.temperature <= ends.lowerBound || form.temperature >= ends.upperBound {
      lines.append(
        "The temperature is an end of what is tried (\(ends.lowerBound) to \(ends.upperBound)): too few pixels tuned it, or "
          + "probabilities say nothing; raise uncertainty.tuning, or leave temperature out.")
    }
    lines.append("Combined: \(parts.joined(separator: ", "))." + (tunedOn.map { " Tuned on \($0)." } ?? ""))
    return lines
  }
}
