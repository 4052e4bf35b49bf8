import CKernels

/// Reproducible random numbers (SplitMix64), enough for test data.
struct TestRandom: RandomNumberGenerator {
  var state: UInt64

  init(seed: Int) { state = UInt64(truncatingIfNeeded: seed) }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  mutating func value() -> Float { Float.random(in: -1..<1, using: &self) }
}

enum PaddingMode: CaseIterable { case zeros, reflect, replicate, circular }

/// A C array of integers that lives as long as its owner.
final class IntegerList {
  let pointer: UnsafeMutablePointer<Int32>
  init(_ values: [Int]) {
    pointer = .allocate(capacity: values.count + 1)
    for (i, value) in values.enumerated() { pointer[i] = Int32(value) }
  }
  deinit { pointer.deallocate() }
}

/// The entries of an axis map, with the C form of them.
struct AxisMap {
  struct Entry { var source: Int, tap: Int }
  var entries: [[Entry]]
  private let start: IntegerList, source: IntegerList, tap: IntegerList

  init(_ entries: [[Entry]]) {
    self.entries = entries
    start = IntegerList(entries.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.count) })
    source = IntegerList(entries.flatMap { $0.map(\.source) })
    tap = IntegerList(entries.flatMap { $0.map(\.tap) })
  }

  /// The map of a convolution along one axis of `extent` pixels.
  init(extent: Int, kernel: Int, dilation: Int, padding: Int, stride: Int = 1, mode: PaddingMode = .zeros) {
    let targets = (extent + 2 * padding - dilation * (kernel - 1) - 1) / stride + 1
    self.init(
      (0..<targets).map { target in
        (0..<kernel).compactMap { tap in
          AxisMap.pixel(target * stride + tap * dilation - padding, extent: extent, mode: mode)
            .map { Entry(source: $0, tap: tap) }
        }
      })
  }

  /// The pixel that stands at `position`, or nothing on zero padding.
  static func pixel(_ position: Int, extent: Int, mode: PaddingMode) -> Int? {
    if (0..<extent).contains(position) { return position }
    switch mode {
    case .zeros: return nil
    case .replicate: return position < 0 ? 0 : extent - 1
    case .circular: return (position % extent + extent) % extent
    case .reflect: return position < 0 ? -position : 2 * (extent - 1) - position
    }
  }

  /// The map of the data gradient: for each source pixel the targets that read it, by ascending tap.
  func adjoint(extent: Int) -> AxisMap {
    var result = [[Entry]](repeating: [], count: extent)
    for (target, list) in entries.enumerated() {
      for entry in list { result[entry.source].append(Entry(source: target, tap: entry.tap)) }
    }
    return AxisMap(result.map { list in list.sorted { ($0.tap, $0.source) < ($1.tap, $1.source) } })
  }

  var map: tutti_axis { tutti_axis(start: start.pointer, source: source.pointer, tap: tap.pointer) }
  var count: Int { entries.count }
}

/// Channels of rows with room left and right of them; whatever is not a pixel or a filled halo is NaN.
final class Planes {
  let channels: Int, rows: Int, width: Int, margin: Int, pitch: Int
  let channelStride: Int
  let storage: UnsafeMutableBufferPointer<Float>

  /// `rows` counts all rows of a channel; `margin` floats stand before each row and `margin` + 32 behind.
  init(channels: Int, rows: Int, width: Int, margin: Int) {
    (self.channels, self.rows, self.width, self.margin) = (channels, rows, width, margin)
    pitch = width + 2 * margin + 32
    channelStride = rows * pitch + 5
    storage = .allocate(capacity: channels * channelStride + 64)
    storage.initialize(repeating: .nan)
  }

  deinit { storage.deallocate() }

  var base: UnsafeMutablePointer<Float> { storage.baseAddress.unsafelyUnwrapped + margin }

  func copy() -> Planes {
    let planes = Planes(channels: channels, rows: rows, width: width, margin: margin)
    _ = planes.storage.update(from: storage)
    return planes
  }

  subscript(channel: Int, row: Int, x: Int) -> Float {
    get { base[channel * channelStride + row * pitch + x] }
    set { base[channel * channelStride + row * pitch + x] = newValue }
  }

  /// Gives every pixel of columns `range` a value.
  func fill(_ range: Range<Int>, _ value: (Int, Int, Int) -> Float) {
    for c in 0..<channels { for row in 0..<rows { for x in range { self[c, row, x] = value(c, row, x) } } }
  }

  func fillRandom(_ range: Range<Int>, _ random: inout TestRandom) {
    for c in 0..<channels { for row in 0..<rows { for x in range { self[c, row, x] = random.value() } } }
  }

  /// The bits of all floats, garbage and guards included.
  var bits: [UInt32] { storage.map(\.bitPattern) }
}

/// One random convolution with its data: shapes, padding, axis maps, planes with filled halos, weights, bias.
struct ConvolutionCase {
  let extents: (z: Int, y: Int, x: Int)
  let kernel: (z: Int, y: Int, x: Int)
  let dilation: Int
  let padding: (z: Int, y: Int, x: Int)
  let mode: PaddingMode
  let sources: Int, targets: Int
  let z: AxisMap, y: AxisMap
  let targetWidth: Int
  let shifts: IntegerList
  let source: Planes
  let weights: [Float], bias: [Float]
  var taps: Int { kernel.z * kernel.y * kernel.x }
  var targetRows: Int { z.count * y.count }

  init(
    extents: (z: Int, y: Int, x: Int), kernel: (z: Int, y: Int, x: Int), dilation: Int, mode: PaddingMode,
    sources: Int, targets: Int, seed: Int
  ) {
    var random = TestRandom(seed: seed)
    // Padding keeps the extent, except where the border mode does not reach that far.
    func pad(_ extent: Int, _ kernel: Int) -> Int {
      let wanted = dilation * (kernel - 1) / 2
      let most = mode == .reflect ? extent - 1 : mode == .circular ? extent : wanted
      let least = max(0, (dilation * (kernel - 1) + 2 - extent) / 2)  // at least one target pixel
      return max(min(wanted, most), min(least, wanted))
    }
    (self.extents, self.kernel, self.dilation, self.mode) = (extents, kernel, dilation, mode)
    (self.sources, self.targets) = (sources, targets)
    padding = (pad(extents.z, kernel.z), pad(extents.y, kernel.y), pad(extents.x, kernel.x))
    z = AxisMap(extent: extents.z, kernel: kernel.z, dilation: dilation, padding: padding.z, mode: mode)
    y = AxisMap(extent: extents.y, kernel: kernel.y, dilation: dilation, padding: padding.y, mode: mode)
    targetWidth = extents.x + 2 * padding.x - dilation * (kernel.x - 1)
    let left = padding.x
    shifts = IntegerList((0..<kernel.x).map { $0 * dilation - left })
    source = Planes(channels: sources, rows: extents.z * extents.y, width: extents.x, margin: padding.x + 1)
    for c in 0..<sources {
      for row in 0..<extents.z * extents.y {
        for x in 0..<extents.x { source[c, row, x] = random.value() }
        for x in -padding.x..<extents.x + padding.x where !(0..<extents.x).contains(x) {
          let copied = AxisMap.pixel(x, extent: extents.x, mode: mode)
          source[c, row, x] = if let copied { source[c, row, copied] } else { 0 }
        }
      }
    }
    weights = (0..<targets * sources * kernel.z * kernel.y * kernel.x).map { _ in random.value() }
    bias = (0..<targets).map { _ in random.value() }
  }

  /// Whether the border mode can reach as far as these extents ask.
  static func isPossible(
    extents: (z: Int, y: Int, x: Int), kernel: (z: Int, y: Int, x: Int), dilation: Int, mode: PaddingMode
  ) -> Bool {
    [(extents.z, kernel.z), (extents.y, kernel.y), (extents.x, kernel.x)].allSatisfy { extent, kernel in
      let wanted = dilation * (kernel - 1) / 2
      let most = mode == .reflect ? extent - 1 : mode == .circular ? extent : wanted
      return extent + 2 * min(wanted, most) > dilation * (kernel - 1)
    }
  }

  /// The `index`-th of a fixed sequence of random cases: 1-D, 2-D and 3-D, odd sizes, all padding modes.
  static func random(_ index: Int) -> ConvolutionCase {
    var random = TestRandom(seed: index)
    while true {
      let dimensions = Int.random(in: 1...3, using: &random)
      let small = dimensions == 3
      let extents = (
        z: dimensions == 3 ? Int.random(in: 1...7, using: &random) : 1,
        y: dimensions >= 2 ? Int.random(in: 1...(small ? 11 : 19), using: &random) : 1,
        x: Int.random(in: 1...(small ? 40 : 150), using: &random)
      )
      let k = [1, 2, 3, 3, 3, 4, 5, 7].randomElement(using: &random) ?? 3
      let kernel = (z: dimensions == 3 ? min(k, 3) : 1, y: dimensions >= 2 ? k : 1, x: k)
      let dilation = [1, 1, 2, 3, 4, 9, 15].randomElement(using: &random) ?? 1
      let mode = PaddingMode.allCases.randomElement(using: &random) ?? .zeros
      let many = index % 8 == 0 ? 70 : 13
      let sources = Int.random(in: 1...many, using: &random)
      let targets = Int.random(in: 1...many, using: &random)
      guard isPossible(extents: extents, kernel: kernel, dilation: dilation, mode: mode) else { continue }
      return ConvolutionCase(
        extents: extents, kernel: kernel, dilation: dilation, mode: mode, sources: sources, targets: targets,
        seed: index)
    }
  }

  /// Random values where pixels of the target are, NaN elsewhere.
  func target(margin: Int = 3, seed: Int = 7) -> Planes {
    var random = TestRandom(seed: seed)
    let planes = Planes(channels: targets, rows: targetRows, width: targetWidth, margin: margin)
    planes.fillRandom(0..<targetWidth, &random)
    return planes
  }

  /// Calls `body` with the job of the convolution itself; weights are left to the caller.
  func withJob<Result>(
    into target: Planes, bias useBias: Bool = true, accumulate: Bool = false,
    _ body: (inout tutti_convolution) throws -> Result
  ) rethrows -> Result {
    try bias.withUnsafeBufferPointer { bias in
      var job = tutti_convolution()
      job.source = UnsafePointer(source.base)
      job.source_channel_stride = source.channelStride
      job.source_channels = Int32(sources)
      job.source_rows = Int32(extents.y)
      job.source_pitch = Int32(source.pitch)
      job.target = target.base
      job.target_channel_stride = target.channelStride
      job.target_channels = Int32(targets)
      job.target_rows = Int32(y.count)
      job.target_pitch = Int32(target.pitch)
      job.width = Int32(targetWidth)
      (job.z, job.y) = (z.map, y.map)
      (job.z_taps, job.y_taps, job.x_taps) = (Int32(kernel.z), Int32(kernel.y), Int32(kernel.x))
      job.x_shift = UnsafePointer(shifts.pointer)
      job.bias = useBias ? bias.baseAddress : nil
      job.accumulate = accumulate
      return try body(&job)
    }
  }

  /// Calls `body` with the job of the weight gradient for a gradient of the target.
  func withGradientJob<Result>(
    of gradient: Planes, into result: inout [Float], accumulate: Bool = false,
    _ body: (inout tutti_weight_gradient) throws -> Result
  ) rethrows -> Result {
    try result.withUnsafeMutableBufferPointer { result in
      var job = tutti_weight_gradient()
      job.source = UnsafePointer(source.base)
      job.source_channel_stride = source.channelStride
      job.source_channels = Int32(sources)
      job.source_rows = Int32(extents.y)
      job.source_pitch = Int32(source.pitch)
      job.gradient = UnsafePointer(gradient.base)
      job.gradient_channel_stride = gradient.channelStride
      job.gradient_rows = Int32(y.count)
      job.gradient_planes = Int32(z.count)
      job.gradient_pitch = Int32(gradient.pitch)
      job.width = Int32(targetWidth)
      (job.z, job.y) = (z.map, y.map)
      (job.z_taps, job.y_taps, job.x_taps) = (Int32(kernel.z), Int32(kernel.y), Int32(kernel.x))
      job.x_shift = UnsafePointer(shifts.pointer)
      job.x_step = 1
      job.accumulate = accumulate
      job.result = result.baseAddress
      job.result_stride = sources * taps
      return try body(&job)
    }
  }

  /// Weights packed for the instruction set in use, as the forward pass or (transposed) the data gradient reads them.
  func packed(transposed: Bool = false) -> [Float] {
    let outputs = Int32(transposed ? sources : targets)
    let inputs = Int32(transposed ? targets : sources)
    var packed = [Float](repeating: .nan, count: tutti_convolution_packed_count(outputs, inputs, Int32(taps)))
    tutti_convolution_pack(weights, outputs, inputs, Int32(taps), transposed, &packed)
    return packed
  }
}
