import Foundation
import TestSupport
import Testing

@testable import MessagePassing

/// Sessions and segments as Open MPI 4 names them, in folders of the test's own.
@Suite struct AbandonedRunsTests {
  /// A session of `mpirun` number `process`, whose jobs have numbers from `family` · 2¹⁶ on, with two segments.
  private func makeSession(_ folder: String, process: Int, family: UInt32, host: String = "node") throws -> [String] {
    let session = "\(folder)/tmp/ompi.\(host).\(geteuid())/pid.\(process)"
    try FileManager.default.createDirectory(atPath: session + "/1/0", withIntermediateDirectories: true)
    try FileManager.default.createDirectory(atPath: folder + "/shm", withIntermediateDirectories: true)
    let job = String(family << 16 | 1, radix: 16)
    let segments = [
      "\(folder)/shm/vader_segment.\(host).\(geteuid()).\(job).0", "\(folder)/shm/osc_sm.\(host).\(job).1.4",
    ]
    for path in segments + [session + "/hwloc.sm"] { try Data("x".utf8).write(to: URL(fileURLWithPath: path)) }
    try "\(family << 16).0;tcp://192.0.2.1:40101\n\(process)\n".write(
      toFile: session + "/contact.txt", atomically: false, encoding: .utf8)
    return segments + [session]
  }

  private func runs(_ folder: String, alive: Set<Int> = [], used: Set<String>? = []) -> AbandonedRuns {
    AbandonedRuns(
      temporaryFolders: [folder + "/tmp"], segmentFolders: [folder + "/shm"], host: "node",
      isAlive: alive.contains, filesInUse: { used })
  }

  private func exists(_ paths: [String]) -> [Bool] { paths.map(FileManager.default.fileExists(atPath:)) }

  @Test("the session of a dead mpirun goes with its segments, one of a living mpirun stays")
  func dead() throws {
    try TemporaryFolder.with { folder in
      let dead = try makeSession(folder, process: 41, family: 0xBEEF)
      let alive = try makeSession(folder, process: 42, family: 0xBEED)
      #expect(Set(runs(folder, alive: [42]).remove()) == Set(dead))
      #expect(exists(dead) == [false, false, false] && exists(alive) == [true, true, true])
      #expect(runs(folder, alive: [42]).remove() == [])
    }
  }

  @Test("nothing of a session goes while a living process uses one of its files", arguments: 0..<3)
  func used(_ place: Int) throws {
    try TemporaryFolder.with { folder in
      let paths = try makeSession(folder, process: 41, family: 0xBEEF)
      let used = place < 2 ? paths[place] : paths[2] + "/hwloc.sm"
      #expect(runs(folder, used: [used, "/usr/lib/libc.so"]).remove() == [])
      #expect(exists(paths) == [true, true, true])
    }
  }

  @Test("where processes cannot be seen nothing is removed")
  func unseen() throws {
    try TemporaryFolder.with { folder in
      let paths = try makeSession(folder, process: 41, family: 0xBEEF)
      #expect(runs(folder, used: nil).remove() == [])
      #expect(exists(paths) == [true, true, true])
    }
  }

  @Test("another node's sessions, links and other files stay")
  func others() throws {
    try TemporaryFolder.with { folder in
      let other = try makeSession(folder, process: 41, family: 0xBEEF, host: "node2")
      let own = try makeSession(folder, process: 43, family: 0xBEE0)
      let top = "\(folder)/tmp/ompi.node.\(geteuid())"
      try FileManager.default.createSymbolicLink(atPath: top + "/pid.44", withDestinationPath: folder + "/shm")
      try FileManager.default.createSymbolicLink(atPath: own[2] + "/1/link", withDestinationPath: other[2])
      try FileManager.default.createDirectory(atPath: top + "/jf.7", withIntermediateDirectories: true)
      let kept = [folder + "/shm/vader_segment.node.\(geteuid()).beee0001.0", folder + "/shm/sem.other"]
      for path in kept { try Data().write(to: URL(fileURLWithPath: path)) }
      #expect(Set(runs(folder).remove()) == Set(own))
      #expect(exists(other + kept + [top + "/pid.44", top + "/jf.7"]).allSatisfy { $0 })
    }
  }

  @Test("this process lives, and a file that it has open is in use")
  func here() throws {
    try TemporaryFolder.with { folder in
      var runs = AbandonedRuns.here()
      #expect(!runs.host.isEmpty && !runs.host.contains("."))
      let paths = try makeSession(folder, process: Int(getpid()), family: 0xBEEF)
      (runs.temporaryFolders, runs.segmentFolders, runs.host) = ([folder + "/tmp"], [folder + "/shm"], "node")
      #expect(runs.remove() == [])
      runs.isAlive = { _ in false }
      let file = try #require(fopen(paths[0], "r"))
      #expect(runs.remove() == [])
      fclose(file)
      #expect(Set(runs.remove()) == Set(paths))
    }
  }
}
