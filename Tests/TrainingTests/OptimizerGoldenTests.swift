import Foundation
import Host
import TestSupport
import Testing

@testable import Training

/// Optimizers, schedules and clipping against PyTorch: every group of the file.
@Suite struct OptimizerGoldenTests {
  @Test func `every optimizer takes PyTorch's steps, every schedule its rates, and clipping its gradients`() throws {
    for group in try Golden("optimizers.h5").groups {
      if group.name.hasPrefix("schedule_") {
        try checkSchedule(group)
      } else if group.name == "clip_by_norm" {
        try checkClipping(group)
      } else {
        try checkOptimizer(group)
      }
    }
  }

  private func settings(_ group: GoldenGroup) throws -> OptimizerSettings {
    func betas() throws -> Betas {
      let values: [Double] = try group.settings("betas")
      return Betas(values[0], values[1])
    }
    func eps() throws -> Double { try group.number("eps") }
    func decoupled() throws -> Bool { try group.flag("decoupled_weight_decay") }
    let method: any OptimizerMethod
    switch group.name.split(separator: "_").first {
    case "sgd":
      method = SGD(
        momentum: try group.number("momentum"), dampening: try group.number("dampening"),
        nesterov: try group.flag("nesterov"))
    case "adam": method = Adam(betas: try betas(), epsilon: try eps(), amsgrad: try group.flag("amsgrad"))
    case "adamw": method = AdamW(Adam(betas: try betas(), epsilon: try eps(), amsgrad: try group.flag("amsgrad")))
    case "rmsprop":
      method = RMSprop(
        alpha: try group.number("alpha"), epsilon: try eps(), momentum: try group.number("momentum"),
        centered: try group.flag("centered"))
    case "adagrad":
      method = Adagrad(
        rateDecay: try group.number("lr_decay"), initialAccumulator: try group.number("initial_accumulator_value"),
        epsilon: try eps())
    case "nadam":
      method = NAdam(
        betas: try betas(), epsilon: try eps(), momentumDecay: try group.number("momentum_decay"),
        decoupled: try decoupled())
    case "radam": method = RAdam(betas: try betas(), epsilon: try eps(), decoupled: try decoupled())
    default: throw UnknownGroup(name: group.name)
    }
    return OptimizerSettings(method, rate: try group.number("lr"), weightDecay: try group.number("weight_decay"))
  }

  private func checkOptimizer(_ group: GoldenGroup) throws {
    var parameters = try group.array("start").values
    let gradients = try group.array("gradients").values
    let expected = try group.array("parameters").values
    let count = parameters.count
    let optimizer = Optimizer(try settings(group), count: count)
    let team = try ThreadTeam(size: 1)
    for step in 0..<gradients.count / count {
      gradients.withUnsafeBufferPointer { gradients in
        parameters.withUnsafeMutableBufferPointer {
          optimizer.step(parameters: $0.baseAddress!, gradients: gradients.baseAddress! + step * count, team: team)
        }
      }
      expectClose(
        parameters, Array(expected[step * count..<(step + 1) * count]), relative: 1e-5, "\(group.name), step \(step)")
    }
  }

  private func checkClipping(_ group: GoldenGroup) throws {
    var gradient = try group.array("gradient").values
    let clipping = GradientClipping(
      ClippingSettings(norm: try group.number("max_norm")), ranges: [0..<gradient.count])
    let norm = clipping.clip(&gradient, team: try ThreadTeam(size: 1))
    let expected = try group.doubles("norm").values[0]
    #expect(abs(try #require(norm) - expected) <= 1e-6 * expected)
    expectClose(gradient, try group.array("clipped").values, relative: 1e-6, group.name)
  }

  private func schedule(_ group: GoldenGroup) throws -> any ScheduleShape {
    switch group.name.dropFirst("schedule_".count) {
    case "step": StepSchedule(size: try group.integer("step_size"), gamma: try group.number("gamma"))
    case "multistep": MultistepSchedule(milestones: try group.settings("milestones"), gamma: try group.number("gamma"))
    case "exponential": ExponentialSchedule(gamma: try group.number("gamma"))
    case "cosine": CosineSchedule(length: try group.integer("T_max"), minimum: try group.number("eta_min"))
    case "cosine_warm_restarts":
      CosineWarmRestarts(first: try group.integer("T_0"), factor: try group.integer("T_mult"))
    case "one_cycle":
      OneCycleSchedule(maximum: try group.number("max_lr"), length: try group.integer("total_steps"))
    case "linear_warmup":
      LinearSchedule(
        start: try group.number("start_factor"), end: try group.number("end_factor"),
        length: try group.integer("total_iters"))
    case "plateau":
      PlateauSchedule(factor: try group.number("factor"), patience: try group.integer("patience"))
    case "polynomial": PolynomialSchedule(length: try group.integer("total_iters"), power: try group.number("power"))
    default: throw UnknownGroup(name: group.name)
    }
  }

  private func checkSchedule(_ group: GoldenGroup) throws {
    let schedule = RateSchedule(try schedule(group))
    let base = try group.number("base_rate")
    let rates = try group.doubles("rates").values
    let monitored = try group.doubles("monitored").values
    var watch = PlateauWatch()
    for (time, expected) in rates.enumerated() {
      let rate = schedule.rate(at: time, of: rates.count, base: base, plateau: watch)
      #expect(abs(rate - expected) <= 1e-9 * base + 1e-9 * expected, "\(group.name) at \(time): \(rate), \(expected)")
      schedule.shape.note(monitored[time], base: base, in: &watch)
    }
    #expect(Set(rates).count > 1)
  }
}

/// A group that this suite does not know how to check.
private struct UnknownGroup: Error {
  let name: String
}
