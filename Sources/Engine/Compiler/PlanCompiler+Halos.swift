import CKernels
import Networks

/// How the rows of each value are padded, and how far.
extension PlanCompiler {
  /// The convolution along x of a step that reads shifted rows; nil when it needs no halo.
  private func rowConvolution(_ draft: Draft) -> AxisConvolution? {
    guard let product = draft.product else { return nil }
    let isTransposed = if case .transposedConvolution = graph.nodes[product].operation { true } else { false }
    let gradientReads = training && !isTransposed && gradientAlgorithm(product) == .channels
    return [.direct, .winograd].contains(algorithm(product)) || gradientReads ? axes(product)[2] : nil
  }

  /// Gives consumers whose padding mode differs from that of a value's first consumer a copy of their own.
  mutating func separatePaddings() {
    var modes: [ValueID: PaddingMode] = [:]
    var separated: [Draft] = []
    separated.reserveCapacity(drafts.count)
    for draft in drafts {
      var draft = draft
      if let axis = rowConvolution(draft), axis.padding > 0 {
        let holder = root(draft.source).value
        if let mode = modes[holder], mode != axis.mode {
          let copy = addValue(Value(geometry: values[draft.source].geometry))
          modes[copy] = axis.mode
          separated.append(Draft(kind: .copy, source: draft.source, target: copy))
          draft.source = copy
        } else {
          modes[holder] = axis.mode
        }
      }
      separated.append(draft)
    }
    drafts = separated
    for (holder, mode) in modes { halos[holder] = Halo(mode: mode) }
  }

  /// Makes a root's halo as wide as its widest consumer needs; in training also as wide as gradients of the same
  /// geometry need.
  mutating func sizeHalos() {
    func widen(_ value: ValueID, fill: Int = 0, to width: Int) {
      var halo = halos[root(value).value, default: Halo()]
      halo.fill = max(halo.fill, fill)
      halo.width = max(halo.width, width)
      halos[root(value).value] = halo
    }
    for group in groups {
      for draft in group {
        guard let axis = rowConvolution(draft) else { continue }
        widen(draft.source, fill: axis.padding, to: axis.padding)
        if axis.padding > 0, !isFiltered(draft, in: group) {
          halos[root(draft.source).value]?.isReached = true
        }
      }
    }
    guard training else { return }
    for draft in drafts {
      guard let axis = rowConvolution(draft) else { continue }
      let reach = max(reach(draft.source), axis.mode == .zeros ? 0 : axis.padding)
      widen(draft.target, to: max(0, reach + (axis.kernel - 1) * axis.dilation - axis.padding))
    }
  }

  /// Pixels of a value's halo in which its gradient may lie.
  func reach(_ value: ValueID) -> Int {
    let halo = halos[root(value).value, default: Halo()]
    return halo.mode == .zeros || !halo.isReached ? 0 : halo.fill
  }

  func border(_ value: ValueID) -> Border {
    let halo = halos[root(value).value, default: Halo()]
    let padding =
      switch halo.mode {
      case .zeros: TUTTI_ZEROS
      case .reflect: TUTTI_REFLECT
      case .replicate: TUTTI_REPLICATE
      case .circular: TUTTI_CIRCULAR
      }
    return Border(padding: padding, width: Int32(halo.fill), folded: reach(value))
  }
}
