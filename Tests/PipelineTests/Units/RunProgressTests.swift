import Ensembles
import Foundation
import Pipeline
import Testing

@Suite("How far a run is") struct RunProgressTests {
  private func member(_ number: Int, epoch: Int, part: Double = 0) -> MemberQueue.Progress {
    var progress = MemberQueue.Progress(member: number, rank: number, epoch: epoch, epochs: 10, loss: 0.5)
    progress.part = part
    return progress
  }

  /// A job of two members whose training is four fifths of the work.
  private func planned() -> RunProgress {
    var progress = RunProgress()
    progress.plan([.training: 80, .calibration: 8, .prediction: 8, .evaluation: 2, .page: 2], members: 2, trained: 0)
    progress.take(.training, part: 0, at: 10)
    return progress
  }

  @Test("the time left follows from the work of all stages")
  func left() throws {
    var progress = planned()
    #expect(progress.left(at: 12) == nil)
    #expect(progress.take(member(0, epoch: 0), at: 12) == nil)
    _ = progress.take(member(0, epoch: 5), at: 30)
    // A quarter of the training, so a fifth of all, took 20 s.
    #expect(abs(try #require(progress.left(at: 30)) - 80) < 1e-9)
    #expect(progress.line(at: 30) == "0:30  training 25 %, about 80 s left: member 0 epoch 5/10 loss 0.5000")
    progress.take(.prediction, part: 0.5, at: 100)
    #expect(abs(try #require(progress.left(at: 102)) - 8.0 / 92 * 92) < 1e-9)
    #expect(progress.line(at: 102) == "1:42  prediction 50 %, about 8 s left")
  }

  @Test("a member's end is told once, also when it stops early, and one that is gone on with too")
  func members() {
    var progress = planned()
    #expect(progress.take(member(0, epoch: 0), at: 11) == nil)
    #expect(progress.take(member(1, epoch: 4), at: 11) == "member 1 goes on from epoch 4 of 10")
    #expect(progress.take(member(1, epoch: 5), at: 12) == nil)
    var end = member(0, epoch: 7)
    end.isFinished = true
    #expect(progress.take(end, at: 75) == "member 0 is trained: 7 epochs on rank 0, loss 0.5000, 1:15")
    #expect(progress.part == 0.75)
  }

  @Test("rows fit the terminal's width; there is one for each member in training, and one for the run")
  func rows() {
    var progress = planned()
    var own = member(1, epoch: 3, part: 0.5)
    (own.score, own.rate, own.speed) = (0.875, 0.003, 2.5e10)
    _ = progress.take(own, at: 20)
    let rows = progress.rows(at: 20, width: 120)
    #expect(rows.count == 2)
    #expect(
      rows[0] == "rank 1  member 1  epoch 3/10 ████░░░░  loss 0.5000  score 0.8750  rate 0.003  25.0 GFLOP/s")
    for width in [20, 40, 80] { #expect(progress.rows(at: 20, width: width).allSatisfy { $0.count < width }) }
  }

  @Test("JSON has what is known, and no number that is none")
  func json() throws {
    var progress = planned()
    var own = member(0, epoch: 0)
    own.loss = .nan
    _ = progress.take(own, at: 12)
    let object = try JSONSerialization.jsonObject(with: Data(progress.json(at: 12).utf8)) as? [String: Any]
    #expect(object?["stage"] as? String == "training" && object?["left"] == nil)
    let members = object?["members"] as? [[String: Any]]
    #expect(members?.count == 1 && members?[0]["loss"] == nil && members?[0]["epochs"] as? Int == 10)
  }
}
