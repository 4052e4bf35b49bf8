import Foundation
import HDF5
import Host
import MessagePassing

// Whether the folder of the results serves all ranks.

extension Doctor {
  private var stem: String { folder + "/.tutti-doctor" }

  /// Whether what one rank writes the others read, at once and as it was written.
  func sharedFiles() throws -> [Finding] {
    let made = try outcome {
      guard world.rank == 0 else { return }
      try RunPaths.makeFolder(folder)
    }
    guard made == nil else {
      return [Finding(.problem, "folder", made ?? "", remedy: "Name another output in the job file, or --folder.")]
    }
    /// Every rank writes a file of its own.
    let salt = try world.broadcast([UInt64.random(in: 1...UInt64.max)], from: 0)[0]
    func name(_ rank: Int) -> String { "\(stem)-\(rank)" }
    func contents(_ rank: Int) -> [UInt8] {
      (0..<10_000).map { UInt8(truncatingIfNeeded: $0 ^ rank) } + Array("\(salt)".utf8)
    }
    defer { _ = unlink(name(world.rank)) }
    let written = try outcome { try WholeFile.write(name(world.rank), contents: contents(world.rank)) }
    guard written == nil else {
      return [
        Finding(
          .problem, "folder", written ?? "", remedy: "All nodes must be able to write there: see mounts and rights.")
      ]
    }
    // The next rank's, and rank 0's, which all read.
    var waited = 0.0
    let read = try outcome {
      for rank in Set([0, (world.rank + 1) % world.size]).sorted() {
        let start = ContinuousClock.now
        while FileManager.default.contents(atPath: name(rank)).map(Array.init) != contents(rank) {
          guard ContinuousClock.now - start < .seconds(10) else {
            throw RunError.file(name(rank), action: "read", reason: "not there, or not as written, after 10 s")
          }
          usleep(20_000)
        }
        waited = max(waited, (ContinuousClock.now - start) / .seconds(1))
      }
    }
    let longest = try world.allGather(waited).max() ?? 0
    try world.barrier()
    if let read {
      return [
        Finding(
          .problem, "folder", read,
          remedy:
            "\(folder) is another folder on some nodes, or their caches are old; name one on a shared file system.")
      ]
    }
    let text = "\(folder): what one rank writes all ranks read"
    return [
      longest < 1
        ? Finding(.ok, "folder", text)
        : Finding(
          .warning, "folder", text + String(format: ", %.1f s later", longest),
          remedy: "The file system's caches are slow to learn of new files (NFS: acregmax, noac).")
    ]
  }

  /// Whether there is room for members, checkpoints and results.
  func space() throws -> [Finding] {
    var status = statvfs()
    let own = statvfs(folder, &status) == 0 ? Int(clamping: status.f_bavail) * Int(status.f_frsize) : -1
    let free = try world.broadcast([own], from: 0)[0]
    guard free >= 0 else { return [Finding(.warning, "space", "the free space of \(folder) cannot be told")] }
    let text = "\(Self.size(free)) are free in \(folder)"
    guard let need else { return [Finding(free > 100_000_000 ? .ok : .warning, "space", text)] }
    let full = "\(text); the job needs \(Self.size(need.disk))"
    if free < need.disk {
      return [Finding(.problem, "space", full, remedy: "Make room, or name another output in the job file.")]
    }
    return [
      free < 2 * need.disk
        ? Finding(.warning, "space", full, remedy: "That is little more than enough; others may take it.")
        : Finding(.ok, "space", full)
    ]
  }

  /// One HDF5 file that all ranks write together, read back by others than wrote it.
  func parallelWrite() throws -> [Finding] {
    let path = stem + ".h5"
    let count = 1 << 18
    func values(_ rank: Int) -> [Float] { (0..<count).map { Float(($0 &* 31 &+ rank) & 0xffff) } }
    defer { if world.rank == 0 { _ = unlink(path) } }
    let start = ContinuousClock.now
    let written = try outcome(agreed: true) {
      let file = try SharedFile(creating: path, on: world)
      let dataset = try file.createDataset(
        "values", of: Float.self, shape: [world.size, count], layout: .chunked([1, count], checksum: true))
      do {
        try file.write([try dataset.part(values(world.rank), Hyperslab(start: [world.rank, 0], count: [1, count]))])
      } catch {
        try file.finish(failure: error)
      }
      try file.finish()
    }
    let seconds = (ContinuousClock.now - start) / .seconds(1)
    guard written == nil else {
      return [
        Finding(
          .problem, "writing", written ?? "",
          remedy: "Results are written by all ranks into one file; see docs/clusters.md on file systems and locks.")
      ]
    }
    let next = (world.rank + 1) % world.size
    let read = try outcome {
      let found = try File.with(path) {
        try $0.dataset("values").read(as: Float.self, Hyperslab(start: [next, 0], count: [1, count]))
      }
      guard found == values(next) else {
        throw RunError.file(path, action: "read back", reason: "the part of rank \(next) is not as it was written")
      }
    }
    try world.barrier()
    let rate = Double(4 * count * world.size) / (try world.allGather(seconds).max() ?? 1) / 1e6
    return [
      read.map {
        Finding(
          .problem, "writing", $0, remedy: "The file system loses or delays what several nodes write into one file.")
      } ?? Finding(.ok, "writing", String(format: "one file by all ranks, read back by others: %.0f MB/s", rate))
    ]
  }

  /// Does something on all ranks and tells what failed first; nil when nothing did. Collective.
  ///
  /// - Parameter agreed: whether the work itself makes one rank's failure that of all.
  private func outcome(agreed: Bool = false, _ body: () throws -> Void) throws -> String? {
    let result = Result { try body() }
    var own = ""
    if case .failure(let error) = result { own = "\(error)" }
    let all = try texts(own)
    guard let rank = all.firstIndex(where: { !$0.isEmpty }) else { return nil }
    return world.size > 1 && !agreed ? "rank \(rank): \(all[rank])" : all[rank]
  }
}
