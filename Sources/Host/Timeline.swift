import Glibc

/// Where a rank's time goes: seconds of each phase, and for a trace every single one. Belongs to the main thread.
///
/// Counting costs two looks at the clock; nothing is allocated.
public final class Timeline: @unchecked Sendable {
  public enum Phase: Int, CaseIterable, Sendable {
    /// Samples are cut and changed.
    case load
    case forward
    case backward
    /// The optimizer's step.
    case update
    case validate
    /// Sums over ranks.
    case exchange
    /// There is nothing to do.
    case wait
    /// Files.
    case write
    case predict

    public var name: String { "\(self)" }
    /// Whether the rank does the job's work, alone as it would.
    public var isWork: Bool { self != .exchange && self != .wait }
  }

  /// One phase of a trace. Times are nanoseconds since the timeline's start.
  public struct Event: Sendable, BitwiseCopyable {
    public var start: Int64
    public var duration: Int64
    public var phase: Int32
    /// The member at work; -1: none.
    public var member: Int32
  }

  /// The member at work.
  public var member: Int?
  private let totals: AlignedBuffer<Int64>
  private var events = AlignedBuffer<Event>(count: 0)
  private var count = 0
  /// Events for which there was no room.
  public private(set) var dropped = 0
  private var zero: Int64
  /// Time of phases within the one that is under way.
  private var inner: Int64 = 0

  public init() {
    totals = AlignedBuffer(count: Phase.allCases.count)
    zero = Self.now()
  }

  /// Begins anew.
  ///
  /// - Parameter capacity: events that are kept for a trace.
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

  /// Begins a phase. One within another is counted as itself and not as the other.
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

  /// Does something and notes how long it took.
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

  /// What was kept for a trace.
  public var trace: [Event] { Array(events.buffer.prefix(count)) }

  private static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}
