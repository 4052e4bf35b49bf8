import Ensembles
import Foundation
import Host
import Imaging
import JobFiles
import MessagePassing

// What ranks must share, and what the files of a run are known by.

extension Run {
  /// The hashes of what a part of the data holds, read by all ranks together. Collective; read once.
  ///
  /// Ranks that see the same files, by device, inode, size and time, share the work. Those that do not, on other hosts
  /// or under other mounts, read all of the part and must come to the same.
  ///
  /// - Throws: `RunError.differentOnRanks` when ranks read other data; `RemoteFailure`.
  func content(of part: Part) throws -> PartContent {
    if let known = contents[part] { return known }
    let opened = try opened()
    let data = part == .calibrate || part == .test ? opened.truth : opened.data
    let keys = try world.allGather(fileKey)
    let ranks = keys.indices.filter { keys[$0] == keys[world.rank] }
    let pieces = data.pieces(of: part)
    let share = Shares(of: pieces.count, among: ranks.count)[ranks.firstIndex(of: world.rank) ?? 0]
    let own = try world.agree { try pieces[share].flatMap { try data.hashes(of: $0, part) } }
    let hashes = try world.allGather(own)
    let seen = keys.indices.map { rank in
      PartContent(slices: keys.indices.filter { keys[$0] == keys[rank] }.flatMap { hashes[$0] })
    }
    if let other = seen.firstIndex(where: { $0 != seen[0] }) {
      throw RunError.differentOnRanks("the \(part.words): \(seen[other].differences(from: seen[0], data))", rank: other)
    }
    let content = addVoxelSize(to: addGroups(to: try addScaling(to: seen[0], part, data), part, data), part, data)
    contents[part] = content
    return content
  }

  /// Of one volume that is scaled by itself, slices of no part decide the scaling as well: its numbers are hashed too.
  private func addScaling(to content: PartContent, _ part: Part, _ data: LearningData) throws -> PartContent {
    let rule = data.preparation.scaling
    guard rule.isByImage, data.layout.isOneImage, !data.split[part].isEmpty else { return content }
    var wanted = IntensityScaling.identity(channels: data.images.channels)
    (wanted.rule, wanted.transform) = (rule, data.preparation.transform)
    guard let own = try scaling(wanted, of: part).images[0] else { return content }
    var hash = ContentHash()
    hash.add(content.images)
    for value in own.mean + own.standardDeviation { hash.add(value.bitPattern) }
    return PartContent(images: hash.value, targets: content.targets)
  }

  /// By groups calibration and evaluation count; in training they decide the split alone, whose data are hashed.
  private func addGroups(to content: PartContent, _ part: Part, _ data: LearningData) -> PartContent {
    guard part == .calibrate || part == .test, let groups = data.groups else { return content }
    var hash = ContentHash()
    hash.add(content.targets)
    for number in groups.numbers(of: data.split[part], layout: data.layout) {
      hash.add(UInt64(bitPattern: Int64(number)))
    }
    return PartContent(images: content.images, targets: hash.value)
  }

  /// Measurements, margins of masks and the axes of results are in the images' unit of length, where files say one.
  private func addVoxelSize(to content: PartContent, _ part: Part, _ data: LearningData) -> PartContent {
    let sizes = data.images.voxelSize
    guard part == .calibrate || part == .test, job.voxelSize == nil, sizes.contains(where: { $0 != nil }) else {
      return content
    }
    var hash = ContentHash()
    hash.add(content.images)
    for size in sizes {
      hash.add(size.map { $0.value.bitPattern } ?? 0)
      hash.add(FNV1a.hash(of: size?.unit ?? ""))
    }
    return PartContent(images: hash.value, targets: content.targets)
  }

  /// A key of the data files that this rank sees.
  private var fileKey: UInt64 {
    var hash = FNV1a()
    hash.add(ProcessInfo.processInfo.hostName.utf8)
    for (_, path) in files.inputs.dropFirst() {
      var status = stat()
      guard stat(path, &status) == 0 else { continue }
      for word in [
        Int(status.st_dev), Int(status.st_ino), Int(status.st_size), Int(status.st_mtim.tv_sec),
        Int(status.st_mtim.tv_nsec),
      ] {
        hash.add(UInt64(bitPattern: Int64(word)))
      }
    }
    return hash.value
  }

  /// What the job's members are trained from. Collective.
  ///
  /// - Throws: as `content(of:)`.
  func origin() throws -> MemberOrigin {
    MemberOrigin(
      settings: job.memberText, training: try content(of: .train), validation: try content(of: .validate))
  }

  /// Throws on all ranks when they do not hold the same text. Collective.
  ///
  /// - Parameter difference: what is said of this rank's text and rank 0's.
  func requireSame(_ text: String, _ difference: (_ own: String, _ first: String) -> String) throws {
    let hashes = try world.allGather(FNV1a.hash(of: text))
    guard let other = hashes.firstIndex(where: { $0 != hashes[0] }) else { return }
    let first = try world.broadcast(text, from: 0)
    throw RunError.differentOnRanks(try world.broadcast(difference(text, first), from: other), rank: other)
  }
}

extension PartContent {
  /// Which of a part's data differ from another state of it.
  func differences(from other: PartContent, _ data: LearningData) -> String {
    let names = [
      images == other.images ? nil : "\(data.images.location)",
      targets == other.targets ? nil : "\(data.targetLocation)" + (data.groups.map { " or \($0.location)" } ?? ""),
    ]
    return Set(names.compactMap(\.self)).sorted().joined(separator: " and ")
  }
}
