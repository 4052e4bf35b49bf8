import Foundation
import HDF5
import TestSupport
import Testing

/// Runs on several hosts, each of its own name and address (network name spaces of this machine).
@Suite("End to end: several hosts")
struct EndToEndHostsTests {
  @Test("ranks on hosts that are connected by TCP alone give the same bits", arguments: [2, 3])
  func hosts(count: Int) throws {
    guard let hosts = NetworkHosts.make(count) else { return }
    defer { hosts.remove() }
    let reference = try EndToEndRanksTests.job(.tunet, volume: false, scope: "batch")
    try reference.succeed(ranks: nil)
    var job = try reference.copy("hosts")
    try FileManager.default.copyItem(atPath: reference.folder + "/data.h5", toPath: job.folder + "/data.h5")
    job.ranksPerMember = "auto"
    try job.write()
    let mpirun = try #require(program("mpirun"))
    let ended = try EndToEnd.execute(
      hosts.command(mpirun, [EndToEnd.tutti, "run", job.path, "--threads", "1"]), seconds: 120)
    try #require(ended.status == 0, "\(ended.errors)")
    try EndToEndSameBitsTests().expectSame(job, reference)
    let shards = try File(opening: job.results).read("entry/provenance/shards_of_rank", as: Int.self)
    #expect(shards.count == count && shards.allSatisfy { $0 > 0 })
  }

  @Test("where the network of a host is cut the run ends everywhere, and the same command goes on to the same bits")
  func cut() throws {
    guard let hosts = NetworkHosts.make(3) else { return }
    defer { hosts.remove() }
    var reference = try EndToEndRanksTests.job(.tunet, volume: false, scope: "batch", members: 3)
    (reference.epochs, reference.training) = (40, ", checkpoint-steps: 40")
    try reference.write()
    try reference.succeed(ranks: nil)
    let job = try reference.copy("cut")
    try FileManager.default.copyItem(atPath: reference.folder + "/data.h5", toPath: job.folder + "/data.h5")
    let mpirun = try #require(program("mpirun"))
    let command = hosts.command(mpirun, [EndToEnd.tutti, "run", job.path, "--threads", "1"])
    var isCut = false
    let ended = try EndToEnd.execute(command, seconds: 120) { _ in
      guard !isCut, try hasCheckpoint(job) else { return }
      isCut = true
      try hosts.connect(2, false)
    }
    #expect(isCut, "the run was over before: \(ended.errors)")
    #expect(ended.status != 0)
    for _ in 0..<200 where !hosts.processes(2).isEmpty { usleep(100_000) }
    #expect(hosts.processes(2).isEmpty, "a rank of the host that was cut off is left")
    try hosts.connect(2, true)
    let next = try EndToEnd.execute(command, seconds: 120)
    try #require(next.status == 0, "\(next.errors)")
    try EndToEndSameBitsTests().expectSame(job, reference)
  }

  private func hasCheckpoint(_ job: EndToEndJob) throws -> Bool {
    guard FileManager.default.fileExists(atPath: job.memberFolder) else { return false }
    return try EndToEnd.contents(job.memberFolder).contains { $0.hasSuffix(".checkpoint") }
  }
}
