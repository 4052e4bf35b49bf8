import Ensembles
import JobFiles
import Networks

extension Run {
  /// The network of a member in Graphviz's language, for training patches.
  ///
  /// - Throws: `RunError.noSuchMember`, and what is wrong with the network.
  public func drawing(ofMember index: Int) throws -> String {
    let settings = try opened().settings
    guard (0..<settings.members).contains(index) else { throw RunError.noSuchMember(index, of: settings.members) }
    return try world.agree {
      try settings.member(index).graph.dot(name: "\(job.name), member \(index)", extents: settings.patch)
    }
  }
}
