// As whole numbers, to send to the first rank.
extension InstanceParts {
  /// All of it but for the blocks.
  public var numbers: [Int] {
    let contacts = contacts.map { [$0.background, $0.object] }.sorted { $0.lexicographicallyPrecedes($1) }
    let head = [
      count, images.count, labels.count, records == nil ? 0 : 1, records?.large.count ?? 0, before?.count ?? -1,
      after?.count ?? -1, unions.count, contacts.count,
    ]
    var numbers: [Int] = []
    numbers.reserveCapacity(
      head.count + 2 * images.count + labels.count + (records?.numberCount ?? 0) + (before?.count ?? 0)
        + (after?.count ?? 0) + 2 * unions.count + 2 * contacts.count)
    numbers += head
    numbers += images.flatMap { [$0.image, $0.first] }
    numbers += labels.lazy.map { Int($0) }
    records?.append(to: &numbers)
    numbers += (before ?? []).lazy.map { Int($0) }
    numbers += (after ?? []).lazy.map { Int($0) }
    numbers += unions.flatMap { [Int($0.one), Int($0.other)] }
    numbers += contacts.joined()
    return numbers
  }

  /// What the numbers of a rank tell of.
  public init(numbers: [Int]) {
    self.init(isMeasured: false)
    var next = 9
    func take(_ count: Int) -> ArraySlice<Int> {
      defer { next += max(0, count) }
      return numbers[next..<next + max(0, count)]
    }
    func pairs(_ count: Int) -> [(Int, Int)] {
      let all = take(2 * count)
      return stride(from: all.startIndex, to: all.endIndex, by: 2).map { (all[$0], all[$0 + 1]) }
    }
    count = numbers[0]
    images = pairs(numbers[1]).map { (image: $0.0, first: $0.1) }
    labels = take(numbers[2]).map { UInt8($0) }
    if numbers[3] == 1 {
      let own = InstanceRecords(numbers, at: next, count: count, largeCount: numbers[4])
      next += own.numberCount
      records = own
    }
    let (before, after) = (take(numbers[5]), take(numbers[6]))
    self.before = numbers[5] < 0 ? nil : before.map { Int32($0) }
    self.after = numbers[6] < 0 ? nil : after.map { Int32($0) }
    unions = pairs(numbers[7]).map { (one: Int32($0.0), other: Int32($0.1)) }
    contacts = Set(pairs(numbers[8]).map { InstanceBlock.Contact(background: $0.0, object: $0.1) })
  }

  /// Adds what the next rank found.
  ///
  /// - Returns: false when the slice that both read is not the same: the file changed meanwhile.
  mutating func append(_ others: InstanceParts) -> Bool {
    let first = count
    images += others.images.lazy.filter { [last = images.last] in $0.image != last?.image }
      .map { (image: $0.image, first: first + $0.first) }
    count += others.count
    labels += others.labels
    if let own = others.records {
      if records == nil { records = own } else { records?.append(own) }
    }
    let shift = Int32(first)
    if let before = others.before {
      guard let after, after.count == before.count else { return false }
      unions += zip(after, before).lazy.map { (one: $0, other: shift + $1) }
    }
    if let last = others.after { after = last.map { shift + $0 } }
    unions += others.unions.lazy.map { (one: shift + $0.one, other: shift + $0.other) }
    contacts.formUnion(
      others.contacts.lazy.map { .init(background: first + $0.background, object: first + $0.object) })
    return true
  }
}
