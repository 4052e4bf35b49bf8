import Foundation
import Networks

/// A network that is timed beside PyTorch, with the settings that it has there.
///
/// All have one input channel and two classes.
public struct BenchmarkNetwork: Sendable {
  /// The names of the networks.
  public enum Name: String, CaseIterable, Sendable {
    /// TUNet of depth 4 with 32 base channels.
    case tunet
    /// TUNet of depth 5 with 64 base channels.
    case tunetLarge = "tunet-large"
    /// TUNet for volumes, of depth 3 with 16 base channels.
    case tunet3D = "tunet3d"
    /// The sparse network whose edges a file lists.
    case smsnet
    /// TUNet3+ of depth 4 with 16 base and carry-over channels.
    case tunet3Plus = "tunet3plus"
    /// MSDNet of 30 or 100 layers in the form `stack`, dilations 1 to 10.
    case msdnet30, msdnet100
    /// The same in the form `planes`.
    case msdnet30Planes = "msdnet30-planes"
    /// The same in the form `planes`.
    case msdnet100Planes = "msdnet100-planes"
    /// MSDNet for volumes, of 20 layers with dilations 1 to 5.
    case msdnet3D = "msdnet3d"
    /// The same in the form `planes`.
    case msdnet3DPlanes = "msdnet3d-planes"

    /// Spatial axes of its images.
    public var dimensions: Int {
      switch self {
      case .tunet3D, .msdnet3D, .msdnet3DPlanes: 3
      default: 2
      }
    }

    /// Extent of its images along every axis, unless said otherwise.
    public var defaultSide: Int { dimensions == 3 ? 32 : 128 }
    /// Images of a batch, unless said otherwise.
    public var defaultBatch: Int { dimensions == 3 ? 2 : 4 }

    /// All names, for messages.
    public static var list: String { allCases.map(\.rawValue).joined(separator: ", ") }
  }

  /// Its name.
  public let name: Name
  /// Its graph.
  public let graph: NetworkGraph

  /// The network of a name.
  ///
  /// - Parameter edges: the path of a file with the edges of `smsnet`, a JSON object
  ///   `{"edges": [{"source": 0, "target": 1, "dilation": 1, "channels": 1}, …], "in_channels": 1, "out_channels": 2,
  ///   "parameters": 25771}`; all but the edges may be missing.
  /// - Throws: `BenchmarkError` when there is no such network, or its file is not as it should be.
  public init(named text: String, edges: String? = nil) throws {
    guard let name = Name(rawValue: text) else { throw BenchmarkError.unknownNetwork(text) }
    guard edges == nil || name == .smsnet else { throw BenchmarkError.edgesOfOther(name) }
    self.name = name
    let family: NetworkFamily
    switch name {
    case .smsnet:
      guard let edges else { throw BenchmarkError.edgesMissing }
      graph = try EdgeFile.graph(path: edges)
      return
    case .tunet, .tunetLarge, .tunet3D: family = NetworkFamily(Self.tunet(name))
    case .tunet3Plus:
      var network = TUNet3Plus()
      (network.levels.depth, network.levels.baseChannels, network.carryoverChannels) = (4, 16, 16)
      family = NetworkFamily(network)
    case .msdnet30: family = NetworkFamily(Self.msdnet(.stack, layers: 30, maximumDilation: 10))
    case .msdnet100: family = NetworkFamily(Self.msdnet(.stack, layers: 100, maximumDilation: 10))
    case .msdnet3D: family = NetworkFamily(Self.msdnet(.stack, layers: 20, maximumDilation: 5))
    case .msdnet30Planes: family = NetworkFamily(Self.msdnet(.planes, layers: 30, maximumDilation: 10))
    case .msdnet100Planes: family = NetworkFamily(Self.msdnet(.planes, layers: 100, maximumDilation: 10))
    case .msdnet3DPlanes: family = NetworkFamily(Self.msdnet(.planes, layers: 20, maximumDilation: 5))
    }
    graph = try family.graph(inputChannels: 1, outputChannels: 2, dimensions: name.dimensions, seed: 0, member: 0)
  }

  private static func msdnet(_ form: MSDNet.Form, layers: Int, maximumDilation: Int) -> MSDNet {
    var network = MSDNet()
    (network.form, network.layers, network.maximumDilation) = (form, layers, maximumDilation)
    return network
  }

  private static func tunet(_ name: Name) -> TUNet {
    var network = TUNet()
    switch name {
    case .tunetLarge: (network.depth, network.baseChannels) = (5, 64)
    case .tunet3D: (network.depth, network.baseChannels) = (3, 16)
    default: (network.depth, network.baseChannels) = (4, 32)
    }
    network.growthRate = 2
    network.hiddenRate = 1
    return network
  }
}

/// The edges of a sparse network in a file, with what else its writer knows of it.
private struct EdgeFile: Decodable {
  var parameters: Int?
  var inputChannels: Int?
  var outputChannels: Int?

  private enum CodingKeys: String, CodingKey {
    case parameters
    case inputChannels = "in_channels"
    case outputChannels = "out_channels"
  }

  /// The network of exactly these edges, normalized by batch statistics as the peer's.
  static func graph(path: String) throws -> NetworkGraph {
    do {
      let data = try Data(contentsOf: URL(fileURLWithPath: path))
      let topology = try JSONDecoder().decode(SMSNetTopology.self, from: data)
      let file = try JSONDecoder().decode(EdgeFile.self, from: data)
      let graph = try SMSNet(form: .planar, paddingMode: .reflect, tracksRunningStatistics: false).graph(
        topology: topology, inputChannels: file.inputChannels ?? 1, outputChannels: file.outputChannels ?? 2,
        dimensions: 2)
      let parameters = try graph.costs(extents: [128, 128]).parameters
      guard file.parameters == nil || file.parameters == parameters else {
        throw BenchmarkError.otherParameters(path: path, expected: file.parameters ?? 0, found: parameters)
      }
      return graph
    } catch let error as BenchmarkError {
      throw error
    } catch let error as DecodingError {
      throw BenchmarkError.unusableEdges(path: path, cause: "it is not JSON of the form \(form): \(error.summary)")
    } catch let error as CocoaError {
      throw BenchmarkError.unusableEdges(path: path, cause: error.localizedDescription)
    } catch {
      throw BenchmarkError.unusableEdges(path: path, cause: "\(error)")
    }
  }

  private static let form = #"{"edges": [{"source": 0, "target": 1, "dilation": 1, "channels": 1}, …]}"#
}

extension DecodingError {
  fileprivate var summary: String {
    switch self {
    case .keyNotFound(let key, _): "there is no ‘\(key.stringValue)’."
    case .typeMismatch(_, let context), .valueNotFound(_, let context), .dataCorrupted(let context):
      context.debugDescription
    @unknown default: "\(self)"
    }
  }
}

/// Why a benchmark cannot run.
public enum BenchmarkError: Error, Hashable, Sendable, CustomStringConvertible {
  /// No network has this name.
  case unknownNetwork(String)
  /// `smsnet` needs a file of edges.
  case edgesMissing
  /// Only `smsnet` has edges.
  case edgesOfOther(BenchmarkNetwork.Name)
  /// The file of edges cannot be used.
  case unusableEdges(path: String, cause: String)
  /// The edges make another number of parameters than the file says.
  case otherParameters(path: String, expected: Int, found: Int)
  /// The system does not tell the peak of resident memory.
  case noMemoryFigure
  /// A file does not hold what was written to it.
  case otherBytes(String)

  public var description: String {
    typealias Name = BenchmarkNetwork.Name
    return switch self {
    case .unknownNetwork(let name):
      "--network ‘\(name)’: unknown; there are \(Name.list)."
    case .edgesMissing: "--network smsnet: name the file of its edges, --edges FILE.json."
    case .edgesOfOther(let name): "--network \(name.rawValue) has no edges to choose; leave --edges out."
    case .unusableEdges(let path, let cause): "\(path): \(cause)"
    case .otherParameters(let path, let expected, let found):
      "\(path): says that the network has \(expected) parameters, but its edges make \(found)."
    case .noMemoryFigure: "/proc/self/status does not tell the peak of resident memory (VmHWM)."
    case .otherBytes(let path): "\(path) does not hold what was written to it; is the disk damaged?"
    }
  }
}
