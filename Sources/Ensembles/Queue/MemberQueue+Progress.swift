import Training

extension MemberQueue {
  /// How far a member's training is.
  public struct Progress: Hashable, Sendable {
    /// Counted from 0.
    public var member: Int
    /// The rank that tells of it.
    public var rank: Int
    /// Epochs done.
    public var epoch: Int
    /// The most epochs that there are.
    public var epochs: Int
    /// The last epoch's mean loss; of the first epoch, while it goes on, the last step's.
    public var loss: Double
    /// The part of the epoch under way that is done.
    public var part = 0.0
    /// The macro F1 of the validation part after the last epoch, or its loss where there are no classes; nil: nothing
    /// validates.
    public var score: Double?
    /// The learning rate.
    public var rate = Double.nan
    /// Floating-point operations a second since it was begun or gone on with; 0: not known yet.
    public var speed = 0.0
    /// Whether it is trained to its end, which may come before the last epoch.
    public var isFinished: Bool

    /// The progress of a member, as given.
    public init(member: Int, rank: Int, epoch: Int, epochs: Int, loss: Double) {
      self.member = member
      self.rank = rank
      self.epoch = epoch
      self.epochs = epochs
      self.loss = loss
      isFinished = epoch == epochs
    }

    /// The part of all epochs that is done.
    public var share: Double { isFinished ? 1 : (Double(epoch) + part) / Double(max(1, epochs)) }

    /// As numbers of a message.
    var numbers: [Int] {
      [member, epoch, epochs, isFinished ? 1 : 0]
        + [loss, part, score ?? .nan, rate, speed].map { Int(bitPattern: UInt($0.bitPattern)) }
    }

    /// The progress that numbers of a message tell.
    init(_ numbers: ArraySlice<Int>, from rank: Int) {
      let all = Array(numbers)
      let values = all.dropFirst(4).map { Double(bitPattern: UInt64(UInt(bitPattern: $0))) }
      self.init(member: all[0], rank: rank, epoch: all[1], epochs: all[2], loss: values[0])
      isFinished = all[3] == 1
      (part, rate, speed) = (values[1], values[3], values[4])
      score = values[2].isNaN ? nil : values[2]
    }
  }

  /// Tells the progress of a member now and then: when it begins, after every epoch, and every second or two.
  final class Teller {
    private let queue: MemberQueue
    private let member: Int
    /// Operations of all of the training.
    private let operations: Double
    private var begun = ContinuousClock.now
    private var begunShare = 0.0
    private var told: ContinuousClock.Instant?
    private var toldEpoch = -1
    private var lastLoss = Double.nan

    init(_ queue: MemberQueue, member: Int, operations: Double) {
      (self.queue, self.member, self.operations) = (queue, member, operations)
    }

    /// - Parameters:
    ///   - epochs: the most that there are.
    ///   - loss: of the last step; nil: after an epoch.
    func tell(_ loop: TrainingLoop, of epochs: Int, loss: Double? = nil) throws {
      let (now, epoch, share) = (ContinuousClock.now, loop.history.count, loop.share)
      lastLoss = loss ?? lastLoss
      // A rank that tells rank 0 needs a message for it.
      let interval: Duration = queue.isRoot ? .milliseconds(500) : .seconds(2)
      guard epoch != toldEpoch || loop.isFinished || told.map({ now - $0 >= interval }) ?? true else { return }
      if told == nil || share < begunShare { (begun, begunShare) = (now, share) }
      (told, toldEpoch) = (now, epoch)
      var progress = Progress(
        member: member, rank: 0, epoch: epoch, epochs: epochs, loss: loop.history.last?.loss ?? lastLoss)
      progress.isFinished = loop.isFinished
      progress.part = max(0, min(1, share * Double(epochs) - Double(epoch)))
      progress.score = loop.history.last.flatMap { $0.metrics["f1_macro"] ?? $0.validationLoss }
      progress.rate = loop.trainer.optimizer.rate
      let seconds = (now - begun) / .seconds(1)
      if seconds > 0.2, share > begunShare { progress.speed = operations * (share - begunShare) / seconds }
      try queue.tell(progress)
    }
  }
}
