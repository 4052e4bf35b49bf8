import CKernels
import Networks

extension PlanCompiler {
  /// The convolution along x of a step that runs on rows; nil when it needs no halo.
  private func rowConvolution(_ draft: Draft) -> AxisConvolution? {
    guard case .stage(let product?, _, _, _) = draft.kind else { return nil }
    let isTransposed = if case .transposedConvolution = graph.nodes[product].operation { true } else { false }
    let gradientReads = training && !isTransposed && gradientAlgorithm(product) == .channels
    return [.direct, .winograd].contains(algorithm(product)) || gradientReads ? axes(product)[2] : nil
  }

  /// Readers whose paddings differ from the first reader's get a copy of their own.
  mutating func separatePaddings() {
    var modes: [Int: PaddingMode] = [:]
    var index = 0
    while index < drafts.count {
      if let axis = rowConvolution(drafts[index]), axis.padding > 0 {
        let source = drafts[index].source
        let holder = root(source).value
        if let mode = modes[holder], mode != axis.mode {
          values.append(Value(geometry: values[source].geometry))
          modes[values.count - 1] = axis.mode
          drafts[index].source = values.count - 1
          drafts.insert(Draft(kind: .copy, source: source, target: values.count - 1), at: index)
          index += 1
        } else {
          modes[holder] = axis.mode
        }
      }
      index += 1
    }
    for (holder, mode) in modes { halos[holder] = Halo(mode: mode) }
  }

  /// A root's halo is as wide as its widest reader needs; in training also as the gradients that lie in the same geometry need.
  mutating func sizeHalos() {
    func widen(_ value: Int, fill: Int = 0, to width: Int) {
      var halo = halos[root(value).value, default: Halo()]
      halo.fill = max(halo.fill, fill)
      halo.width = max(halo.width, width)
      halos[root(value).value] = halo
    }
    for group in groups {
      for draft in drafts[group] {
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
  func reach(_ value: Int) -> Int {
    let halo = halos[root(value).value, default: Halo()]
    return halo.mode == .zeros || !halo.isReached ? 0 : halo.fill
  }

  func border(_ value: Int) -> Border {
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
