import Settings

/// An activation function, as PyTorch defines it.
public enum Activation: Hashable, Sendable {
  /// max(0, x).
  case relu
  /// ReLU with a fixed slope below 0.
  case leakyReLU(negativeSlope: Double)
  /// Leaky ReLU whose slope is trained (He et al., arXiv 1502.01852), from 0.25: `NODE.weight`, one number or one a
  /// channel.
  case prelu(perChannel: Bool)
  /// x above 0, `alpha` · (eˣ − 1) below (Clevert et al., arXiv 1511.07289).
  case elu(alpha: Double)
  /// Exact, by the error function (Hendrycks and Gimpel, arXiv 1606.08415).
  case gelu
  /// x · sigmoid(x).
  case silu
  /// The hyperbolic tangent.
  case tanh
  /// 1 / (1 + e⁻ˣ).
  case sigmoid
  /// log(1 + eˣ).
  case softplus
  /// x · min(max(x + 3, 0), 6) / 6 (Howard et al., arXiv 1905.02244).
  case hardswish

  /// Every activation, its number at PyTorch's default.
  private static let all: [Activation] = [
    .relu, .prelu(perChannel: false), .elu(alpha: 1), .gelu, .silu, .tanh, .sigmoid, .softplus, .hardswish,
    .leakyReLU(negativeSlope: 0.01),
  ]

  /// The names that job files and stored files use.
  public static var names: [String] { all.map(\.name) }

  private var name: String {
    switch self {
    case .relu: "relu"
    case .leakyReLU: "leaky-relu"
    case .prelu: "prelu"
    case .elu: "elu"
    case .gelu: "gelu"
    case .silu: "silu"
    case .tanh: "tanh"
    case .sigmoid: "sigmoid"
    case .softplus: "softplus"
    case .hardswish: "hardswish"
    }
  }
}

/// An activation is written as its name, or as a section of its name and its number: `{name: elu, alpha: 1}`.
extension Activation: SettingConvertible {
  public init(settingValue value: SettingValue) throws(SettingError) {
    let name = value.text ?? value["name"]?.text
    guard let standard = Self.all.first(where: { $0.name == name }) else {
      throw SettingError(
        "‘\(name ?? value.description)’ is no activation; there are \(Self.names.joined(separator: ", "))")
    }
    self = standard
    switch self {
    case .leakyReLU:
      if let slope = value["negative-slope"] { self = .leakyReLU(negativeSlope: try Double(settingValue: slope)) }
    case .prelu: if let choice = value["per-channel"] { self = .prelu(perChannel: try Bool(settingValue: choice)) }
    case .elu: if let alpha = value["alpha"] { self = .elu(alpha: try Double(settingValue: alpha)) }
    default: break
    }
  }

  public var settingValue: SettingValue {
    switch self {
    case .leakyReLU(let slope): .section(["name": .text(name), "negative-slope": .number(slope)])
    case .prelu(perChannel: true): .section(["name": .text(name), "per-channel": true])
    case .elu(let alpha): .section(["name": .text(name), "alpha": .number(alpha)])
    default: .text(name)
    }
  }

  /// What may stand for an activation in a job file; `none` says that there is none.
  static let kind: SettingDeclaration.Kind = {
    typealias Variants = SettingDeclaration.Variants
    func choice(_ words: [String]) -> SettingDeclaration.Kind {
      .choice(SettingDeclaration.Choice(noun: "activation", words: words))
    }
    let variants = all.map { activation in
      let settings: [SettingDeclaration] =
        switch activation {
        case .leakyReLU(let slope):
          [
            SettingDeclaration(
              "negative-slope", .number(.atLeast(0, limit: 1e6)), default: .number(slope), "slope below 0")
          ]
        case .prelu(let perChannel):
          [
            SettingDeclaration(
              "per-channel", .boolean, default: .boolean(perChannel), "whether each channel has a slope of its own")
          ]
        case .elu(let alpha):
          [
            SettingDeclaration(
              "alpha", .number(.above(0, limit: 1e6)), default: .number(alpha), "the limit at −∞, negated")
          ]
        default: []
        }
      return Variants.Variant(name: activation.name, meaning: "", settings: settings)
    }
    let selector = SettingDeclaration("name", choice(names), "the activation")
    return .or([choice(names + ["none"]), .variants(Variants(selector: .value(selector), variants: variants))])
  }()

  /// For the meaning of a setting that holds an activation.
  static let examples =
    "`{name: leaky-relu, negative-slope: 0.01}`, `{name: prelu, per-channel: true}` and `{name: elu, alpha: 1}` give "
    + "its setting"
}

extension Activation: CodableSetting {}

/// Settings that hold activations. The word `none` stands for no activation.
extension Setting {
  /// One activation or none.
  static func activation(
    _ key: String = "activation", _ path: WritableKeyPath<Section, Activation?> & Sendable, _ meaning: String
  ) -> Setting {
    Setting(
      key, declare: { (Activation.kind, .standard(Self.value(ofActivations: $0[keyPath: path].map { [$0] } ?? []))) },
      meaning,
      read: { (value, section) throws(SettingError) in
        section[keyPath: path] = value == "none" ? nil : try Activation(settingValue: value)
      }, write: { Self.value(ofActivations: $0[keyPath: path].map { [$0] } ?? []) })
  }

  /// One activation, several in a list, or none.
  static func activations(
    _ key: String = "activation", _ path: WritableKeyPath<Section, [Activation]> & Sendable, _ meaning: String
  ) -> Setting {
    Setting(
      key, declare: { (Self.activationsKind, .standard(Self.value(ofActivations: $0[keyPath: path]))) }, meaning,
      read: { (value, section) throws(SettingError) in section[keyPath: path] = try Self.activations(value) },
      write: { Self.value(ofActivations: $0[keyPath: path]) })
  }

  /// One activation, several in a list, or none; `otherwise` says what holds when the key is not given.
  static func activations(
    _ key: String, _ path: WritableKeyPath<Section, [Activation]?> & Sendable, otherwise: String, _ meaning: String
  ) -> Setting {
    Setting(
      key, declare: { _ in (Self.activationsKind, .optional(otherwise)) }, meaning,
      read: { (value, section) throws(SettingError) in section[keyPath: path] = try Self.activations(value) },
      write: { $0[keyPath: path].map(Self.value(ofActivations:)) })
  }

  private static var activationsKind: SettingDeclaration.Kind {
    guard case .or(let kinds) = Activation.kind else { return Activation.kind }
    return .or(kinds + [.list(of: Activation.kind, 1...)])
  }

  private static func activations(_ value: SettingValue) throws(SettingError) -> [Activation] {
    if value == "none" { return [] }
    return value.list == nil ? [try Activation(settingValue: value)] : try [Activation](settingValue: value)
  }

  private static func value(ofActivations activations: [Activation]) -> SettingValue {
    activations.count > 1 ? activations.settingValue : activations.first?.settingValue ?? "none"
  }
}
