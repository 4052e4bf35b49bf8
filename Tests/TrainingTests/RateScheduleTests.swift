import Foundation
import Testing

@testable import Training

@Suite struct RateScheduleTests {
  @Test(arguments: [
    RateSchedule(), RateSchedule(StepSchedule(size: 3, gamma: 0.5), warmUp: 4),
    RateSchedule(MultistepSchedule(milestones: [3, 5])), RateSchedule(ExponentialSchedule(gamma: 0.9), per: .step),
    RateSchedule(CosineSchedule(), per: .step, warmUp: 5, warmUpStart: 0.01),
    RateSchedule(CosineSchedule(length: 7, minimum: 0.1)),
    RateSchedule(CosineWarmRestarts(first: 3, factor: 2)), RateSchedule(OneCycleSchedule(maximum: 0.1), per: .step),
    RateSchedule(LinearSchedule()), RateSchedule(PolynomialSchedule(power: 0.9)),
    RateSchedule(PlateauSchedule(patience: 2)),
  ]) func `a schedule survives its file form`(schedule: RateSchedule) throws {
    let data = try JSONEncoder().encode(schedule)
    #expect(try JSONDecoder().decode(RateSchedule.self, from: data) == schedule)
  }

  @Test func `a warm-up rises linearly to where the other schedule begins`() {
    let plain = RateSchedule(CosineSchedule())
    let warm = RateSchedule(CosineSchedule(), warmUp: 4, warmUpStart: 0.2)
    let rates = (0..<14).map { warm.rate(at: $0, of: 14, base: 0.5) }
    for (time, part) in [0.2, 0.4, 0.6, 0.8].enumerated() { #expect(abs(rates[time] - 0.5 * part) < 1e-12) }
    // The cosine has what is left of the training.
    for time in 0..<10 { #expect(rates[4 + time] == plain.rate(at: time, of: 10, base: 0.5)) }
  }

  @Test func `schedules that do not depend on the length of a training have the same rates in a longer one`() {
    let free: [any ScheduleShape] = [
      ConstantSchedule(), StepSchedule(size: 3, gamma: 0.5), MultistepSchedule(milestones: [3, 5]),
      ExponentialSchedule(gamma: 0.9), CosineSchedule(length: 30), LinearSchedule(length: 8), PlateauSchedule(),
      PolynomialSchedule(length: 30), CosineWarmRestarts(first: 3, factor: 2), OneCycleSchedule(maximum: 1, length: 30),
    ]
    let bound: [any ScheduleShape] = [
      CosineSchedule(), LinearSchedule(), PolynomialSchedule(), OneCycleSchedule(maximum: 1),
    ]
    for shape in free + bound {
      let schedule = RateSchedule(shape, warmUp: 2)
      let (short, long) = (12, 20)
      let isSame = (0..<short).allSatisfy {
        schedule.rate(at: $0, of: short, base: 0.5) == schedule.rate(at: $0, of: long, base: 0.5)
      }
      #expect(isSame == !schedule.dependsOnTotal, "\(shape)")
    }
    #expect(free.allSatisfy { !$0.dependsOnTotal } && bound.allSatisfy(\.dependsOnTotal))
    let seen = Set((free + bound).map { type(of: $0).name })
    #expect(Schedules.all.allSatisfy { seen.contains($0.name) })
  }

  @Test func `a plateau waits, lowers the rate, cools down and stops at its minimum`() {
    let settings = PlateauSchedule(factor: 0.1, patience: 1, cooldown: 2, minimum: 0.005)
    var watch = PlateauWatch()
    var rates: [Double] = []
    for _ in 0..<12 {
      settings.note(1, base: 1, in: &watch)
      rates.append(watch.rate ?? 1)
    }
    // PyTorch: the first loss is the best one; then two do not improve, two cool down, and so on.
    #expect(rates[..<8].map { ($0 * 1000).rounded() } == [1000, 1000, 100, 100, 100, 100, 10, 10])
    #expect(rates[10] == 0.005)
  }
}
