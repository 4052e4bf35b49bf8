/// What a rank tells rank 0. All kinds have one tag, so that they arrive in the order in which they were sent.
enum RankMessage {
  /// The group that the rank leads asks for its next member.
  case ask
  case report(MemberSchedule.Report)
  case progress(MemberQueue.Progress)
  /// The rank works, or waits while it serves.
  case alive
  /// The rank has waited for longer than the stall limit.
  case waits(Wait)
  /// The rank's last message.
  case farewell
}

/// What rank 0 tells a rank, under one tag as well.
enum CoordinatorMessage {
  /// The next member of the group that the rank leads; nil: there is none.
  case answer(Int?)
  /// Ranks that are to join the group that the rank leads.
  case joining([Int])
  case alive
  /// All members have ended; rank 0's last message.
  case end
}

// Messages are a few numbers, the first of which is the kind, below what MPI sends without waiting for the receiver.

extension RankMessage {
  var numbers: [Int] {
    switch self {
    case .ask: [0]
    case .report(let report): [1] + report.numbers
    case .progress(let progress): [2] + progress.numbers
    case .alive: [3]
    case .waits(let wait): [4, wait.kind.rawValue] + wait.ranks
    case .farewell: [5]
    }
  }

  init?(_ numbers: [Int], from rank: Int) {
    switch numbers.first {
    case 0: self = .ask
    case 1: self = .report(MemberSchedule.Report.all(numbers.dropFirst())[0])
    case 2: self = .progress(MemberQueue.Progress(numbers.dropFirst(), from: rank))
    case 3: self = .alive
    case 4:
      guard let kind = Wait.Kind(rawValue: numbers[1]) else { return nil }
      self = .waits(Wait(kind, ranks: Array(numbers.dropFirst(2))))
    case 5: self = .farewell
    default: return nil
    }
  }
}

extension CoordinatorMessage {
  var numbers: [Int] {
    switch self {
    case .answer(let member): [0, member ?? -1]
    case .joining(let ranks): [1] + ranks
    case .alive: [2]
    case .end: [3]
    }
  }

  init?(_ numbers: [Int]) {
    switch numbers.first {
    case 0: self = .answer(numbers[1] < 0 ? nil : numbers[1])
    case 1: self = .joining(Array(numbers.dropFirst()))
    case 2: self = .alive
    case 3: self = .end
    default: return nil
    }
  }
}

extension MemberSchedule.Report {
  /// Longest message of a failure that is told to the other ranks, in bytes.
  static let longestMessage = 2000

  /// Seven numbers, then the message of a failure, eight bytes a number.
  var numbers: [Int] {
    var text: [UInt8] = []
    var kind = 0
    switch outcome {
    case .done: break
    case .failed(let message): (kind, text) = (1, Array(message.utf8))
    case .stopped: kind = 2
    }
    let words = stride(from: 0, to: text.count, by: 8).map { first in
      text[first..<min(first + 8, text.count)].reversed().reduce(0) { $0 << 8 | Int($1) }
    }
    let times = [start, seconds, share].map { Int(bitPattern: UInt($0.bitPattern)) }
    return [member, rank, kind] + times + [text.count] + words
  }

  /// The reports that numbers of several after each other tell.
  static func all(_ numbers: some Collection<Int>) -> [Self] {
    let numbers = Array(numbers)
    var result: [Self] = []
    var first = 0
    func double(_ place: Int) -> Double { Double(bitPattern: UInt64(UInt(bitPattern: numbers[first + place]))) }
    while first + 7 <= numbers.count {
      let count = numbers[first + 6]
      let text = (0..<count).map { UInt8(truncatingIfNeeded: numbers[first + 7 + $0 / 8] >> (8 * ($0 % 8))) }
      result.append(
        Self(
          member: numbers[first], rank: numbers[first + 1],
          outcome: numbers[first + 2] == 0
            ? .done : numbers[first + 2] == 2 ? .stopped : .failed(message: String(decoding: text, as: UTF8.self)),
          start: double(3), seconds: double(4), share: double(5)))
      first += 7 + (count + 7) / 8
    }
    return result
  }

  /// The same report with as many whole characters of its message as are told.
  var shortened: Self {
    guard case .failed(var text) = outcome else { return self }
    while text.utf8.count > Self.longestMessage {
      text.removeLast(max(1, (text.utf8.count - Self.longestMessage) / 4))
    }
    var result = self
    result.outcome = .failed(message: text)
    return result
  }
}
