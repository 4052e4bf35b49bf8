import CKernels
import Host

/// The gradient of several batches, as that of one batch made of them all.
///
/// Each batch's gradient counts by the batch's weight. Where the loss is a mean (over labelled pixels, say), and its
/// weight is what it divides by, the result is the gradient of the joined batch but for rounding. What a network does
/// with the statistics of a batch (batch normalization) still sees each batch alone. A loss that is no mean, such as
/// Dice, is then the mean of the batches' losses, weighted by their samples.
final class GradientSum {
  /// The mean gradient so far.
  let gradients: AlignedBuffer<Float>
  private let blocks: ParameterBlocks
  private var weight = 0.0
  private(set) var loss = 0.0

  /// - Parameter count: of parameters; 0 where one batch makes a step, whose gradient then stays where it is.
  init(count: Int) {
    gradients = AlignedBuffer(count: count)
    blocks = ParameterBlocks(of: [0..<count])
  }

  func begin() {
    weight = 0
    loss = 0
  }

  func add(_ batch: UnsafePointer<Float>, loss: Double, weight: Double, team: ThreadTeam) {
    self.weight += weight
    let part = self.weight > 0 ? weight / self.weight : 0
    let isFirst = self.weight == weight
    self.loss = isFirst ? loss : self.loss + part * (loss - self.loss)
    team.run(count: blocks.count) { index, _ in
      let (start, count) = blocks[index]
      if isFirst {
        (gradients.pointer + start).update(from: batch + start, count: count)
      } else {
        tutti_lerp(gradients.pointer + start, batch + start, Float(part), count)
      }
    }
  }
}
