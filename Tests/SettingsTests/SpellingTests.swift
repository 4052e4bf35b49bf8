import Testing

@testable import Settings

@Suite("Spelling") struct SpellingTests {
  @Test(
    "the word that was meant is found, or none",
    arguments: [
      ("dilation", "dilations"), ("Epochs", "epochs"), ("ecpohs", "epochs"), ("batch-size", "batch"), ("zzz", nil),
      ("", nil),
    ] as [(String, String?)])
  func spelling(word: String, meant: String?) {
    #expect(Spelling.nearest(to: word, among: ["epochs", "batch", "dilations"]) == meant)
  }

  @Test("edit distance counts a swap of neighbours as one edit")
  func distance() {
    #expect(Spelling.distance("abcd", "abdc") == 1)
    #expect(Spelling.distance("kitten", "sitting") == 3)
    #expect(Spelling.distance("", "abc") == 3)
    #expect(Spelling.distance("abc", "") == 3)
  }
}
