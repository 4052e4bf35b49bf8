import CHDF5

extension Container {
  /// Where a link that leads nowhere leads; nil when there is no such link.
  func brokenLink(_ path: String) throws -> String? {
    try object.use { raw in
      var target = [CChar](repeating: 0, count: 4096)
      let kind = chdf5_link_target(raw, path, &target, target.count)
      guard kind > 0 else { return nil }
      let texts = target.split(separator: 0, maxSplits: 2, omittingEmptySubsequences: false)
        .map { String(decoding: $0.map { UInt8(bitPattern: $0) }, as: UTF8.self) }
      guard kind == 2 else { return "this is a link to \(texts[0]), which is not there" }
      return "this is a link to \(texts[1]) in the file \(texts[0]), of which one is not there"
    }
  }
}
