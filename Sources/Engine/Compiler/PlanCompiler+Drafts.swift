import CKernels
import Networks

/// From nodes to drafts of steps, and from concatenations to positions in stacks.
extension PlanCompiler {
  /// Drafts a step for every node. A product absorbs the normalization and the activation that follow it when nothing
  /// else reads what lies between.
  mutating func draftSteps() {
    let consumers = graph.readers
    let tapped = Set(graph.taps.values)
    func soleConsumer(_ node: Int) -> Int? {
      consumers[node].count == 1 && !tapped.contains(node) ? consumers[node][0] : nil
    }
    func isNormalization(_ node: Int) -> Bool {
      if case .batchNormalization = graph.nodes[node].operation { true } else { false }
    }
    func isActivation(_ node: Int) -> Bool {
      switch graph.nodes[node].operation {
      case .activation(.prelu): false
      case .activation: true
      default: false
      }
    }
    var absorbed = Set<Int>()
    for (id, node) in graph.nodes.enumerated() where !absorbed.contains(id) {
      func add(_ kind: Draft.Kind, target: Int? = nil) {
        drafts.append(Draft(kind: kind, source: value(of: node.inputs[0]), target: ValueID(target ?? id)))
      }
      func stage(product: Int?, normalization: Int?, activation: Int?) {
        var (normalization, activation, last) = (normalization, activation, id)
        var activatesFirst = false
        if product != nil, let next = soleConsumer(last), isNormalization(next) {
          normalization = next
          last = next
        }
        if activation == nil, let next = soleConsumer(last), isActivation(next) {
          activation = next
          last = next
          // The backward pass must tell the derivative of an activation that stands first from its value.
          if product != nil, normalization == nil, isInvertible(next), let after = soleConsumer(next),
            isNormalization(after)
          {
            normalization = after
            last = after
            activatesFirst = true
          }
        }
        absorbed.formUnion([normalization, activation].compactMap { $0 })
        let kind = Draft.Kind.stage(
          product: product, normalization: normalization, activation: activation, activatesFirst: activatesFirst)
        add(kind, target: last)
      }
      switch node.operation {
      case .input, .concatenation: break
      case .linear where node.inputs.count == 2:
        // A vector first, then the shape of the second input.
        let vector = addValue(Value(geometry: (shapes[id].elements, 1, 1, 1)))
        let kind = Draft.Kind.stage(product: id, normalization: nil, activation: nil, activatesFirst: false)
        drafts.append(Draft(kind: kind, source: value(of: node.inputs[0]), target: vector))
        drafts.append(Draft(kind: .reshape, source: vector, target: ValueID(id)))
      case .convolution, .transposedConvolution, .linear: stage(product: id, normalization: nil, activation: nil)
      case .batchNormalization: stage(product: nil, normalization: id, activation: nil)
      case .activation(.prelu): add(.prelu(id))
      case .activation: stage(product: nil, normalization: nil, activation: id)
      case .groupNormalization:
        let next = soleConsumer(id).flatMap { isActivation($0) ? $0 : nil }
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
          drafts.append(Draft(kind: kind, source: value(of: input), target: ValueID(id)))
        }
      }
    }
  }

  // MARK: Concatenations

  /// Gives each input of a concatenation its channels in the stack, so that no step is needed to concatenate. An input
  /// that already has a position in another stack is copied.
  mutating func layOutConcatenations() {
    for (id, node) in graph.nodes.enumerated() where !normalizedStacks.contains(ValueID(id)) {
      guard case .concatenation = node.operation else { continue }
      var position = Position(value: ValueID(id), channel: 0)
      for input in node.inputs.map(value) {
        if values[input].stack == nil {
          values[input].stack = position
        } else {
          insertCopy(of: input, at: position)
        }
        position.channel += channels(input)
      }
    }
  }

  /// Adds a step that copies a value to a position in a stack, right after the value's last producer.
  ///
  /// - Complexity: O(*steps* × nesting of concatenations).
  mutating func insertCopy(of value: ValueID, at position: Position) {
    var copy = values[value]
    copy.stack = position
    let target = addValue(copy)
    let producer = drafts.lastIndex { contains(value, $0.target) }
    drafts.insert(Draft(kind: .copy, source: value, target: target), at: producer.map { $0 + 1 } ?? 0)
  }

  /// Whether `part` is `value` or has a position within its stack.
  private func contains(_ value: ValueID, _ part: ValueID) -> Bool {
    var at = part
    while at != value {
      guard let stack = values[at].stack else { return false }
      at = stack.value
    }
    return true
  }
}
