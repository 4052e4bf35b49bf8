import Networks

extension PlanCompiler {
  /// Products take the normalization and the activation behind them along when nothing else reads what lies between.
  mutating func group() {
    let readers = graph.readers
    let tapped = Set(graph.taps.values)
    func sole(_ id: Int) -> Int? { readers[id].count == 1 && !tapped.contains(id) ? readers[id][0] : nil }
    var absorbed = Set<Int>()
    for (id, node) in graph.nodes.enumerated() where !absorbed.contains(id) {
      func isNormalization(_ id: Int) -> Bool {
        if case .batchNormalization = graph.nodes[id].operation { true } else { false }
      }
      func isActivation(_ id: Int) -> Bool {
        switch graph.nodes[id].operation {
        case .activation(.prelu): false
        case .activation: true
        default: false
        }
      }
      func add(_ kind: Draft.Kind, target: Int? = nil) {
        drafts.append(Draft(kind: kind, source: resolve(node.inputs[0]), target: target ?? id))
      }
      func stage(product: Int?, normalization: Int?, activation: Int?, last: Int) {
        var normalization = normalization
        var activation = activation
        var last = last
        var activatesFirst = false
        if product != nil, let next = sole(last), isNormalization(next) {
          normalization = next
          last = next
        }
        if activation == nil, let next = sole(last), isActivation(next) {
          activation = next
          last = next
          // Backward, the derivative of an activation that stands first must be told from its value.
          if product != nil, normalization == nil, isInvertible(next), let after = sole(next), isNormalization(after) {
            normalization = after
            last = after
            activatesFirst = true
          }
        }
        absorbed.formUnion([normalization, activation].compactMap { $0 })
        drafts.append(
          Draft(
            kind: .stage(
              product: product, normalization: normalization, activation: activation, activatesFirst: activatesFirst),
            source: resolve(node.inputs[0]), target: last))
      }
      switch node.operation {
      case .input, .concatenation: break
      case .linear where node.inputs.count == 2:
        // A vector first, then the shape of the second input.
        values.append(Value(geometry: (shapes[id].elements, 1, 1, 1)))
        drafts.append(
          Draft(
            kind: .stage(product: id, normalization: nil, activation: nil, activatesFirst: false),
            source: resolve(node.inputs[0]),
            target: values.count - 1))
        drafts.append(Draft(kind: .reshape, source: values.count - 1, target: id))
      case .convolution, .transposedConvolution, .linear:
        stage(product: id, normalization: nil, activation: nil, last: id)
      case .batchNormalization: stage(product: nil, normalization: id, activation: nil, last: id)
      case .activation(.prelu): add(.prelu(id))
      case .activation: stage(product: nil, normalization: nil, activation: id, last: id)
      case .groupNormalization:
        let next = sole(id).flatMap { isActivation($0) ? $0 : nil }
        if let next { absorbed.insert(next) }
        add(.groupNormalization(id, activation: next), target: next)
      case .maxPooling: add(.pooling(id))
      case .upsampling: add(.upsampling(id))
      case .softmax: add(.softmax(id))
      case .clamp: add(.clamp(id))
      case .reshape: add(.reshape)
      case .dropout: if training { add(.dropout(id)) }
      case .sum(let factors):
        for (place, input) in node.inputs.enumerated() {
          let factor = factors.isEmpty ? 1 : Float(factors[place])
          let kind = Draft.Kind.term(factor: factor, isFirst: place == 0, isLast: place == node.inputs.count - 1)
          drafts.append(Draft(kind: kind, source: resolve(input), target: id))
        }
      }
    }
  }

  // MARK: Stacks

  /// Concatenation is placement: each input gets its channels in the stack, unless it already stands in another one.
  mutating func stack() {
    for (id, node) in graph.nodes.enumerated() where !restacked.contains(id) {
      guard case .concatenation = node.operation else { continue }
      var channel = 0
      for input in node.inputs.map(resolve) {
        if values[input].stack == nil {
          values[input].stack = (id, channel)
        } else {
          insertCopy(of: input, at: (id, channel))
        }
        channel += values[input].geometry.channels
      }
    }
  }

  /// Copies a value into a new one at `stack`, right after it is made.
  mutating func insertCopy(of value: Int, at stack: (value: Int, channel: Int)) {
    var copy = values[value]
    copy.stack = stack
    values.append(copy)
    let maker = drafts.lastIndex { contains(value, $0.target) }
    drafts.insert(
      Draft(kind: .copy, source: value, target: values.count - 1), at: maker.map { $0 + 1 } ?? 0)
  }

  /// Whether `part` is `value` or stands in its stack.
  private func contains(_ value: Int, _ part: Int) -> Bool {
    var at = part
    while at != value {
      guard let stack = values[at].stack else { return false }
      at = stack.value
    }
    return true
  }
}
