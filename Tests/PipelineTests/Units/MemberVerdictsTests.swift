import TestSupport
import Testing
import Training

@testable import Pipeline

@Suite struct MemberVerdictsTests {
  private let names = ["ground", "thing", "other"]

  private func reasons(_ members: [[Int64]]) -> [String?] {
    MemberVerdicts.reasons(members.map { ConfusionMatrix(classes: 3, counts: $0) }, names: names)
  }

  @Test func `members that learnt are not told, alike or not`() {
    #expect(reasons([[90, 5, 5, 3, 40, 7, 1, 2, 30], [80, 10, 10, 10, 30, 10, 5, 5, 23]]) == [nil, nil])
    #expect(reasons([[90, 5, 5, 3, 40, 7, 1, 2, 30]]) == [nil])
    // Nothing but one class is known: nothing can be told.
    #expect(reasons([[100, 0, 0, 0, 0, 0, 0, 0, 0]]) == [nil])
  }

  @Test func `a member that says one class everywhere is told, alone and among fellows`() {
    let good: [Int64] = [90, 5, 5, 3, 40, 7, 1, 2, 30]
    #expect(reasons([[100, 0, 0, 50, 0, 0, 33, 0, 0]]) == ["it says ‘ground’ everywhere"])
    #expect(reasons([good, [0, 0, 100, 0, 0, 50, 0, 0, 33], good]) == [nil, "it says ‘other’ everywhere", nil])
  }

  @Test func `a member that guesses, misses a class, or is far from its fellows is told with the reason`() {
    let good: [Int64] = [90, 5, 5, 3, 40, 7, 1, 2, 30]
    // Wrong nearly everywhere.
    #expect(reasons([[1, 50, 49, 50, 0, 0, 33, 0, 0]])[0]?.hasPrefix("its F1 macro is ") == true)
    #expect(
      reasons([good, [95, 5, 0, 4, 46, 0, 30, 3, 0]]) == [nil, "it never finds ‘other’, which its fellows do"])
    let poor: [Int64] = [100, 0, 0, 45, 3, 2, 25, 3, 5]
    #expect(reasons([good, good, poor])[2]?.contains("its fellows' ") == true)
    // Whom no fellow outdoes is not told for a class that none finds.
    #expect(reasons([[95, 5, 0, 4, 46, 0, 30, 3, 0], [90, 10, 0, 4, 46, 0, 30, 3, 0]]) == [nil, nil])
  }

  @Test func `a member whose images are no better than the mean, the input or far worse than its fellows' is told`() {
    var random = TestRandom(4)
    let truths = random.uniforms(400)
    func metrics(_ error: Float, _ scale: Float = 1) -> [RegressionMetrics] {
      let predictions = truths.map { $0 * scale + error * random.uniform() }
      var metrics = RegressionMetrics()
      metrics.add(predictions: predictions, truths: truths, count: 400)
      return [metrics]
    }
    let (good, fair, mean) = (metrics(0.1), metrics(0.3), metrics(0, 0))
    #expect(MemberVerdicts.reasons([good, good], input: nil) == [nil, nil])
    #expect(
      MemberVerdicts.reasons([good, mean], input: nil)[1]?.contains("the mean of the targets does as well") == true)
    #expect(MemberVerdicts.reasons([mean], input: nil)[0] != nil)
    #expect(MemberVerdicts.reasons([good, good, fair], input: nil)[2]?.contains("its fellows' ") == true)
    let found = MemberVerdicts.reasons([good, fair], input: metrics(0.2))
    #expect(found[0] == nil && found[1]?.contains("that of the image itself") == true)
  }

  @Test func `verdicts are stored; when none learnt, none is left out`() throws {
    let verdicts = MemberVerdicts(
      members: [0, 1, 2], hashes: [4, 5, .max], reasons: [nil, "it says ‘a’ everywhere", nil])
    try TemporaryFolder.with { folder in
      try verdicts.write(to: folder + "/verdicts.h5")
      #expect(try MemberVerdicts(folder + "/verdicts.h5") == verdicts)
    }
    #expect(verdicts.weak == [1] && verdicts.strong == [0, 2])
    #expect(MemberVerdicts(members: [0, 1], hashes: [1, 2], reasons: ["x", "y"]).strong == [0, 1])
  }
}
