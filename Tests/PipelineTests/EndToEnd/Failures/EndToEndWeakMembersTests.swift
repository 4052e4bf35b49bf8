import Ensembles
import Foundation
import HDF5
import TestSupport
import Testing

/// Members that did not learn, from their training to the results.
@Suite("End to end: members that did not learn")
struct EndToEndWeakMembersTests {
  /// A job whose members keep their initial weights, nearly.
  private func idle(_ name: String, _ ensemble: String) throws -> EndToEndJob {
    var job = try EndToEndJob.tiny(name)
    job.rate = "0.0000001"
    job.ranksPerMember = "1\(ensemble)"
    try job.write()
    return job
  }

  @Test("they are told with the reason, trained once more from other weights, and the same on two ranks")
  func retry() throws {
    let job = try idle("retry", ", weak-members: retry")
    let ended = try job.succeed()
    #expect(ended.errors.contains("did not learn: "))
    let verdicts = try File(opening: job.memberFolder + "/verdicts.h5")
    let reasons = try verdicts.readStrings("reason")
    #expect(reasons.count == 2)
    #expect(try File(opening: job.results).readStrings("entry/members/weak") == reasons)
    // Whoever is told to be trained once more was, and whoever is weak at the end.
    let told = (0..<2).filter { member in
      ended.errors.split(separator: "\n").contains {
        $0.contains("member \(member) did not learn")
          && $0.contains("It is trained once more from other initial weights")
      }
    }
    #expect(!told.isEmpty)
    for member in 0..<2 {
      let file = try File(opening: job.member(member))
      #expect(try file.hasAttribute("attempt") == told.contains(member))
      #expect(reasons[member].isEmpty || told.contains(member))
    }
    let other = try EndToEndJob.tiny("retry-2")
    var two = job
    two.folder = other.folder
    try two.write()
    try two.succeed(ranks: 2)
    for member in 0..<2 { #expect(try EndToEnd.bytes(job.member(member)) == EndToEnd.bytes(two.member(member))) }
    #expect(try EndToEnd.difference(job.results, two.results) == "")
  }

  @Test("a member that is named is trained anew, and results are made again")
  func retrain() throws {
    let job = try EndToEndJob.tiny("retrain")
    try job.succeed()
    let before = try (0..<2).map { try EndToEnd.bytes(job.member($0)) }
    let hashes = try File(opening: job.results).read("entry/members/fingerprint", as: UInt64.self)
    let ended = try EndToEnd.run(["run", job.path, "--threads", "1", "--retrain", "1"], ranks: 1)
    try #require(ended.status == 0, "\(ended.errors)")
    #expect(try EndToEnd.bytes(job.member(0)) == before[0] && EndToEnd.bytes(job.member(1)) != before[1])
    #expect(try File(opening: job.member(1)).attribute("attempt", as: Int.self) == 1)
    let now = try File(opening: job.results).read("entry/members/fingerprint", as: UInt64.self)
    #expect(now[0] == hashes[0] && now[1] != hashes[1])
    let refused = try EndToEnd.run(["run", job.path, "--retrain", "2"])
    #expect(refused.status != 0 && refused.messages == ["there is no member 2; the job has members 0 to 1."])
  }

  @Test("more epochs than those that did not help are begun again, as a run of so many epochs would")
  func retryMoreEpochs() throws {
    var straight = try idle("retry-straight", ", weak-members: retry")
    straight.epochs = 2
    try straight.write()
    var job = try idle("retry-raised", ", weak-members: retry")
    try job.succeed()
    let raised = try (0..<2).filter { try File(opening: job.member($0)).hasAttribute("attempt") }
    #expect(!raised.isEmpty)
    job.epochs = 2
    try job.write()
    let plan = try EndToEnd.run(["check", job.path, "--threads", "1"])
    #expect(plan.output.contains("trained anew before for fewer than 2 epochs"), "\(plan.output)")
    let ended = try EndToEnd.run(["run", job.path, "--threads", "1", "--overwrite"], ranks: 2)
    try #require(ended.status == 0, "\(ended.errors)")
    try straight.succeed()
    for member in 0..<2 { #expect(try EndToEnd.bytes(job.member(member)) == EndToEnd.bytes(straight.member(member))) }
    #expect(try EndToEnd.difference(job.results, straight.results) == "")
    // Nothing is left to do.
    let again = try job.succeed()
    #expect(again.errors.contains("The results are there already"))
  }

  @Test("they are left out when the job says so, and the others alone make the results")
  func leaveOut() throws {
    var job = try EndToEndJob.tiny("leave-out")
    job.members = 3
    job.epochs = 12
    job.rate = "0.03"
    job.ranksPerMember = "1, weak-members: leave-out"
    try job.write()
    try job.succeed("train")
    // A member whose weights are all 0 finds all classes as likely.
    var member = try MemberFile.read(job.member(1))
    member.parameters = member.parameters.map { _ in 0 }
    try MemberFile.write(member, to: job.member(1))
    let ended = try job.succeed()
    #expect(
      ended.errors.contains("member 1 did not learn: it says ‘paste’ everywhere. It is left out of the ensemble."))
    let file = try File(opening: job.results)
    #expect(try file.read("entry/members/member", as: Int.self) == [0, 2])
    #expect(try file.readStrings("entry/members/weak") == ["", "it says ‘paste’ everywhere", ""])
    #expect(ended.output.contains("member 2 ") && !ended.output.contains("member 1 "))
    // A finished run is known for one.
    let before = try EndToEnd.bytes(job.results)
    let again = try job.succeed(ranks: 2)
    #expect(again.errors.contains("The results are there already") && again.output.contains("member 2 "))
    #expect(try EndToEnd.bytes(job.results) == before)
    // Results are those of two members wherever a stage begins.
    try job.succeed("evaluate")
    #expect(try File(opening: job.results).dataset("entry/evaluation/member_dice").shape == [2, 2])
    let new = try EndToEnd.run(["predict", job.results, job.folder + "/data.h5:/images", "-o", job.folder + "/new.h5"])
    #expect(new.status == 0, "\(new.errors)")
  }
}
