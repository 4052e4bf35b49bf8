import Ensembles
import JobFiles
import Networks
import Reports

/// A member's network for pictures.
public struct DrawnNetwork: Sendable {
  let title: String
  let graph: NetworkGraph
  let extents: [Int]

  init(title: String, graph: NetworkGraph, extents: [Int]) {
    (self.title, self.graph, self.extents) = (title, graph, extents)
  }

  /// The network of a member of a trained model.
  ///
  /// - Parameter model: a results file, a folder of members, or a member's file.
  /// - Throws: `RunError`, `MemberFileError`, `HDF5Error`.
  public init(model: String, member index: Int?) throws {
    let members = try ModelFiles.load(model).members
    guard let member = index.map({ wanted in members.first { $0.index == wanted } }) ?? members.first else {
      throw RunError.noSuchMember(index ?? 0, of: (members.map(\.index).max() ?? 0) + 1)
    }
    self.init(member)
  }

  init(_ member: TrainedMember) {
    self.init(title: "member \(member.index)", graph: member.graph, extents: member.settings.patch)
  }

  /// In Graphviz's language.
  ///
  /// - Throws: `NetworkError`.
  public func dot() throws -> String { try graph.dot(name: title, extents: extents) }

  var picture: SVGPicture {
    get throws { try NetworkPicture(title: title, graph: graph, extents: extents).picture }
  }

  /// Writes a picture: SVG, PNG or PDF by the file's ending.
  ///
  /// - Throws: `NetworkError`, `RunError`, `FileError`.
  public func write(to path: String) throws { try PictureFile.write(try picture, to: path) }
}

extension Run {
  /// The network of a member, for training patches. Collective.
  ///
  /// - Throws: `RunError.noSuchMember`, and what is wrong with the network.
  public func network(ofMember index: Int) throws -> DrawnNetwork {
    let settings = try opened().settings
    guard (0..<settings.members).contains(index) else { throw RunError.noSuchMember(index, of: settings.members) }
    return try world.agree {
      DrawnNetwork(
        title: "\(job.name), member \(index)", graph: try settings.member(index).graph, extents: settings.patch)
    }
  }
}
