import Host
import MessagePassing

// Where each rank moves a part of the parameters, and keeps the optimizer's state of that part alone: the moved ones
// come to all ranks by way of the memory of the gradients, which are used up by then.

extension GroupGradients {
  func moved(of count: Int) -> Range<Int>? {
    group.dividesState ? GroupReduction.moved(of: count, ranks: size)[rank] : nil
  }

  func share(_ parameters: UnsafeMutablePointer<Float>, team: ThreadTeam) {
    guard group.failure == nil, let mine = memory[rank] else { return }
    copy(moved[rank], from: parameters, to: mine, team: team)
    guard let part = parts[rank], parts.allSatisfy({ $0 != nil }) else {
      group.allGather(mine + moved[rank].lowerBound, counts: movedCounts, into: parameters)
      return
    }
    past += 1
    part.written.value = begins[rank].written + past
    group.wait { hasWritten(past) }
    for (other, memory) in memory.enumerated() where other != rank {
      if let memory { copy(moved[other], from: memory, to: parameters, team: team) }
    }
    // Nobody writes gradients there before all have read.
    part.summed.value = begins[rank].summed + past
    group.wait { hasSummed(past) }
  }

  private func copy(
    _ range: Range<Int>, from source: UnsafeMutablePointer<Float>, to target: UnsafeMutablePointer<Float>,
    team: ThreadTeam
  ) {
    let piece = 65536
    team.run(count: (range.count + piece - 1) / piece) { index, _ in
      let first = range.lowerBound + index * piece
      (target + first).update(from: source + first, count: min(piece, range.upperBound - first))
    }
  }
}
