import Glibc

/// How a rank spends its time: the seconds of each phase and, for a trace, every single one. Used by the main thread only.
///
/// A measurement reads the clock twice and allocates nothing.
public final class Timeline: @unchecked Sendable {
  /// What the main thread is busy with.
  public enum Phase: Int, CaseIterable, Sendable {
    /// Cutting and augmenting samples.
    case load
    /// The forward pass.
    case forward
    /// The backward pass.
    case backward
    /// The optimizer's step.
    case update
    /// Losses of the validation set.
    case validate
    /// Sums over ranks.
    case exchange
    /// Waiting for work.
    case wait
    /// Writing files.
    case write
    /// Predictions.
    case predict

    /// The name in reports and traces.
    public var name: String { "\(self)" }
    /// Whether a rank that works alone would spend this time too.
    public var isWork: Bool { self != .exchange && self != .wait }
  }

  /// One measured phase of a trace.
  public struct Event: Sendable, BitwiseCopyable {
    /// Nanoseconds from the timeline's start to this phase's.
    public var start: Int64
    /// Nanoseconds that it took, those of phases within it included.
    public var duration: Int64
    /// The phase's raw value.
    public var phase: Int32
    /// The index of the member that is trained; -1: none.
    public var member: Int32
  }

  /// The index of the member that is trained now.
  public var member: Int?
  private let totals: AlignedBuffer<Int64>
  private var events = AlignedBuffer<Event>(count: 0)
  private var count = 0
  /// The number of events beyond the trace's capacity, which are in the totals only.
  public private(set) var dropped = 0
  private var zero: Int64
  /// Time of phases within the one that is under way.
  private var inner: Int64 = 0

  /// A timeline that starts now and keeps no trace.
  public init() {
    totals = AlignedBuffer(count: Phase.allCases.count)
    zero = Self.now()
  }

  /// Starts again, with all totals at zero.
  ///
  /// - Parameter capacity: the number of events that are kept for a trace.
  public func begin(capacity: Int = 0) {
    totals.pointer.update(repeating: 0, count: totals.count)
    events = AlignedBuffer(count: capacity)
    count = 0
    dropped = 0
    zero = Self.now()
  }

  /// The beginning of a phase, to be handed to `end`.
  public struct Start: Sendable {
    fileprivate let time: Int64
    fileprivate let outer: Int64
  }

  /// Begins a phase. The time of a phase within another is not counted for the outer one.
  public func start() -> Start {
    defer { inner = 0 }
    return Start(time: Self.now(), outer: inner)
  }

  /// Ends the phase that began last.
  public func end(_ phase: Phase, _ start: Start) {
    let duration = Self.now() - start.time
    totals.pointer[phase.rawValue] += duration - inner
    inner = start.outer + duration
    guard events.count > 0 else { return }
    guard count < events.count else {
      dropped += 1
      return
    }
    events.pointer[count] = Event(
      start: start.time - zero, duration: duration, phase: Int32(phase.rawValue), member: Int32(member ?? -1))
    count += 1
  }

  /// Runs `body` as one phase.
  public func measure<Value, Failure>(
    _ phase: Phase, _ body: () throws(Failure) -> Value
  ) throws(Failure) -> Value {
    let start = start()
    defer { end(phase, start) }
    return try body()
  }

  /// Seconds of each phase so far, in the order of `Phase.allCases`.
  public var seconds: [Double] { totals.buffer.map { Double($0) * 1e-9 } }

  /// Seconds since the timeline began.
  public var elapsed: Double { Double(Self.now() - zero) * 1e-9 }

  /// The events kept for a trace, in the order in which they ended.
  public var trace: [Event] { Array(events.buffer.prefix(count)) }

  private static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
