import Testing

@testable import Ensembles

@Suite struct RankGroupsTests {
  private func groups(_ ranks: Int, _ members: Int, _ each: Int?, shards: Int = 4) -> [[Int]] {
    RankGroups(ranks: ranks, members: members, ranksPerMember: each, shards: shards).groups
  }

  @Test("every rank is in one group or spare, and no group is larger than the shards of a batch")
  func cover() {
    for ranks in 1...9 {
      for members in 1...9 {
        for each in [nil, 1, 2, 3] as [Int?] {
          let made = RankGroups(ranks: ranks, members: members, ranksPerMember: each, shards: 4)
          #expect(made.groups.joined().sorted() + made.spare == Array(0..<ranks))
          #expect(made.groups.count <= members)
          #expect(made.groups.allSatisfy { (1...4).contains($0.count) })
          for (index, group) in made.groups.enumerated() { #expect(made.led(by: group[0]) == index) }
        }
      }
    }
  }

  @Test("ranks that are left over join the groups")
  func rest() {
    #expect(groups(4, 8, 1) == [[0], [1], [2], [3]])
    #expect(groups(4, 8, 2) == [[0, 1], [2, 3]])
    #expect(groups(5, 8, 2) == [[0, 1, 2], [3, 4]])
    #expect(groups(5, 2, nil) == [[0, 1, 2], [3, 4]])
    #expect(groups(3, 1, 1) == [[0, 1, 2]])
    #expect(RankGroups(ranks: 6, members: 1, ranksPerMember: nil, shards: 4).spare == [4, 5])
  }

  @Test("one line tells of groups and of ranks that no group can use")
  func remark() {
    #expect(RankGroups(ranks: 4, members: 8, ranksPerMember: 1, shards: 4).remark(members: 8) == nil)
    #expect(
      RankGroups(ranks: 5, members: 2, ranksPerMember: nil, shards: 4).remark(members: 2)
        == "2 members to train in 2 groups of 2 to 3 ranks.")
    #expect(
      RankGroups(ranks: 6, members: 1, ranksPerMember: nil, shards: 4).remark(members: 1)
        == "1 member to train in 1 group of 4 ranks; 2 ranks more than the 4 shards of a batch can use, to help to predict."
    )
  }
}
