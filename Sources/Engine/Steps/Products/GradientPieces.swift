import CKernels

/// The pieces in which the kernels with channels in lanes compute a product's weights: a few tens of narrow channels by
/// some wide ones.
struct GradientPieces {
  let targets: Int
  let sources: Int
  let targetBlocks: Int
  let sourceBlocks: Int
  let taps: Int

  init(_ product: Product) {
    taps = product.taps
    (targets, sources) = (product.narrow.channels, product.wide.channels)
    var block: (targets: Int32, sources: Int32) = (0, 0)
    if product.gradientAlgorithm == .winograd {
      tutti_winograd_gradient_block(Int32(taps / 9), &block.targets, &block.sources)
    } else {
      tutti_channel_weight_gradient_block(Int32(taps), &block.targets, &block.sources)
    }
    targetBlocks = (targets + Int(block.targets) - 1) / Int(block.targets)
    sourceBlocks = (sources + Int(block.sources) - 1) / Int(block.sources)
  }

  /// Floats of scratch memory that a piece takes with Winograd's algorithm.
  func winogradScratch(zTaps: Int) -> Int {
    (0..<count).reduce(0) {
      max(
        $0,
        Int(
          tutti_winograd_gradient_scratch(
            Int32(self[$1].targets.count), Int32(self[$1].sources.count), Int32(zTaps))))
    }
  }

  var count: Int { targetBlocks * sourceBlocks }

  /// Weights from a narrow channel to the next.
  var stride: Int { sources * taps }

  /// The first weight of a piece among the product's.
  func place(_ index: Int) -> Int { self[index].targets.lowerBound * stride + self[index].sources.lowerBound * taps }

  /// Weights of the largest piece.
  var largest: Int {
    (0..<count).reduce(0) { max($0, self[$1].targets.count * self[$1].sources.count * taps) }
  }

  /// Narrow and wide channels of a piece; narrow ones in whole vectors, as equal as can be.
  subscript(index: Int) -> (targets: Range<Int>, sources: Range<Int>) {
    let (target, source) = index.quotientAndRemainder(dividingBy: sourceBlocks)
    let vectors = (targets + 15) / 16
    return (
      target * vectors / targetBlocks * 16..<min(targets, (target + 1) * vectors / targetBlocks * 16),
      source * sources / sourceBlocks..<(source + 1) * sources / sourceBlocks
    )
  }
}
