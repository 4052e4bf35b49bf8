// swift-format-ignore-file: AlwaysUseLowerCamelCase

import Networks

// How DLSIA's files name what our networks hold.

/// DLSIA's settings of a TUNet, as golden files hold them.
public struct TUNetTopology: Decodable, Sendable {
  public var image_shape: [Int]
  public var in_channels: Int
  public var out_channels: Int
  public var depth: Int
  public var base_channels: Int
  public var growth_rate: Double
  public var hidden_rate: Double

  /// The network of these settings.
  public var network: TUNet {
    var network = TUNet()
    network.depth = depth
    network.baseChannels = base_channels
    network.growthRate = growth_rate
    network.hiddenRate = hidden_rate
    return network
  }
}

/// `encode1.conv0.weight` → `Encode_1.0.weight`, and so on.
public func tunetName(_ name: String, depth: Int) -> String {
  let parts = name.split(separator: ".").map(String.init)
  let suffix = parts.last!
  func level(_ text: String) -> String { String(text.filter(\.isNumber)) }
  if parts[0] == "last" { return "Decode_0.6.\(suffix)" }
  if parts[0].hasPrefix("up") { return "Step Up \(level(parts[0])).\(suffix)" }
  let place = ["conv0": 0, "norm0": 1, "conv1": 3, "norm1": 4][parts[1]]!
  let group =
    if parts[0] == "bottom" {
      "Final_layer_\(depth - 1)"
    } else {
      (parts[0].hasPrefix("encode") ? "Encode_" : "Decode_") + level(parts[0])
    }
  return "\(group).\(place).\(suffix)"
}

/// DLSIA's settings of a TUNet3+, as golden files hold them.
public struct TUNet3PlusTopology: Decodable, Sendable {
  public var carryover_channels: Int
  private let levels: TUNetTopology

  private enum CodingKeys: CodingKey { case carryover_channels }

  public init(from decoder: Decoder) throws {
    carryover_channels = try decoder.container(keyedBy: CodingKeys.self).decode(Int.self, forKey: .carryover_channels)
    levels = try TUNetTopology(from: decoder)
  }

  /// The network of these settings.
  public var network: TUNet3Plus {
    var network = TUNet3Plus()
    network.levels = levels.network
    network.carryoverChannels = carryover_channels == 0 ? nil : carryover_channels
    return network
  }
}

/// `decode1.from2.conv.weight` → `Skip_connection_2_to_1.1.weight`; the levels as in `tunetName`.
public func tunet3plusName(_ name: String, depth: Int) -> String {
  let parts = name.split(separator: ".").map(String.init)
  guard parts.count == 4 else { return tunetName(name, depth: depth) }
  let to = parts[0].dropFirst("decode".count)
  let from = parts[1].dropFirst("from".count)
  // Pooling or upsampling stands first where the levels differ.
  let place = (from == to ? 0 : 1) + (parts[2] == "norm" ? 1 : parts[2] == "conv" ? 0 : -1)
  return "Skip_connection_\(from)_to_\(to).\(place).\(parts[3])"
}

/// Whether an array of a TUNet3+ belongs to the decoder levels that DLSIA makes and never runs.
public func isDeadInTUNet3Plus(_ array: String) -> Bool {
  guard let name = array.split(separator: "/").last, name.hasPrefix("Decode_") else { return false }
  return !name.hasPrefix("Decode_0.")
}

/// DLSIA's settings of an MSDNet, as golden files hold them.
public struct MSDNetTopology: Decodable, Sendable {
  public var in_channels: Int
  public var out_channels: Int
  public var num_layers: Int
  public var layer_width: Int
  public var max_dilation: Int
  public var padding_mode: PaddingMode?

  /// The network of these settings.
  public func network(isNormalized: Bool) -> MSDNet {
    var network = MSDNet()
    network.form = .stack
    network.layers = num_layers
    network.width = layer_width
    network.maximumDilation = max_dilation
    network.paddingMode = padding_mode ?? .zeros
    network.normalization = isNormalized ? .batch : .none
    return network
  }
}

extension GoldenGroup {
  /// The MSDNet whose values the group holds.
  public func msdnet() throws -> MSDNet {
    let isNormalized = try arrayNames.contains { $0.hasPrefix("state/normalization") }
    return try settings("topology", as: MSDNetTopology.self).network(isNormalized: isNormalized)
  }
}

/// `layer3.conv0.weight` → `layer_3.conv_0.weight`, `layer3.norm.weight` → `normalization_3.weight`.
public func msdnetName(_ name: String) -> String {
  let parts = name.split(separator: ".").map(String.init)
  if parts[0] == "last" { return "final_convolution.\(parts[2])" }
  let layer = parts[0].dropFirst("layer".count)
  if parts[1] == "norm" { return "normalization_\(layer).\(parts[2])" }
  return "layer_\(layer).conv_\(parts[1].dropFirst("conv".count)).\(parts[2])"
}

/// DLSIA's settings of an MSAE, as golden files hold them.
public struct MSAETopology: Decodable, Sendable {
  public var depth: Int
  public var base_channels: Int
  public var growth_rate: Double
  public var latent_dimension: Int
  public var max_dilation: Int
  public var MS_depth: Int

  /// The network of these settings.
  public var network: Autoencoder {
    var network = Autoencoder()
    network.depth = depth
    network.baseChannels = base_channels
    network.growthRate = growth_rate
    network.latentDimension = latent_dimension
    network.maximumDilation = max_dilation
    network.blockDepth = MS_depth
    return network
  }
}

/// `encode1.dilation3.conv0.weight` → `encoder.network_operator_sequence.1.0.Dilation 3.ops.0.weight`, and so on.
public func autoencoderName(_ name: String, depth: Int) -> String {
  let parts = name.split(separator: ".").map(String.init)
  let suffix = parts.last!
  func number(_ text: String) -> Int { Int(text.filter(\.isNumber))! }
  switch parts[0] {
  case "latent": return "encoder.final_operator.\(suffix)"
  case "expand": return "decoder.first_operator.\(suffix)"
  default: break
  }
  let level = number(parts[0])
  if parts[0].hasPrefix("up") { return "decoder.network_operator_sequence.\(depth - 1 - level).0.\(suffix)" }
  let place =
    parts[0].hasPrefix("encode")
    ? "encoder.network_operator_sequence.\(level).0" : "decoder.network_operator_sequence.\(depth - 1 - level).1"
  if parts[1] == "mix" { return "\(place).aggregate.\(suffix)" }
  let operation = 3 * number(parts[2]) + (parts[2].hasPrefix("norm") ? 2 : 0)
  return "\(place).Dilation \(number(parts[1])).ops.\(operation).\(suffix)"
}

/// `edge3-5.conv.weight` → `Edge_3_5.0.weight`, `last.conv.weight` → `Last_Action.0.weight`.
public func smsnetName(_ name: String) -> String {
  let parts = name.split(separator: ".").map(String.init)
  if parts[0] == "last" { return "Last_Action.0.\(parts[2])" }
  let nodes = parts[0].dropFirst("edge".count).replacing("-", with: "_")
  return "Edge_\(nodes).\(parts[1] == "conv" ? 0 : 1).\(parts[2])"
}
