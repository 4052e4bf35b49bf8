import CKernels
import Glibc

/// What this process may use of its host.
///
/// Schedules are made from these facts; plans (algorithms, pieces, orders of summation) never see them.
public struct HostFacts: Sendable, Equatable {
  /// The cores that this process may run on, ascending.
  public var cores: [Int]
  /// The cores that the control group (or else the machine) allows, ascending; a launcher may have bound the process to
  /// fewer.
  public var allowedCores: [Int]
  /// The processor time that the control group grants, in cores; `nil` without a limit.
  public var processorQuota: Double?
  /// `OMP_NUM_THREADS`, its first number, if it is one.
  public var openMPThreads: Int?
  /// The limits on memory.
  public var memory: Memory
  /// The processor's name as the system tells it.
  public var processorName: String
  /// The vector instruction sets of the processor that kernels are made for, in the names of `/proc/cpuinfo`.
  public var instructionSets: [String]

  /// The limits on memory in bytes; `nil` where there is none.
  public struct Memory: Sendable, Equatable {
    /// The least of the limits of the control group and those around it.
    public var controlGroup: UInt64?
    /// The limit on the process's address space.
    public var addressSpace: UInt64?
    /// What the machine can give without swapping.
    public var available: UInt64?
    /// What the user lets each process take.
    public var allowed: UInt64?

    /// Limits as given.
    public init(controlGroup: UInt64? = nil, addressSpace: UInt64? = nil, available: UInt64? = nil) {
      self.controlGroup = controlGroup
      self.addressSpace = addressSpace
      self.available = available
    }

    /// The least of the limits; the control group and the machine are shared with other processes.
    public var least: UInt64? { [controlGroup, addressSpace, available].compactMap(\.self).min() }
  }

  /// Facts as given.
  public init(
    cores: [Int], allowedCores: [Int]? = nil, processorQuota: Double? = nil, openMPThreads: Int? = nil,
    memory: Memory = Memory(), processorName: String = "", instructionSets: [String] = []
  ) {
    self.cores = cores
    self.allowedCores = allowedCores ?? cores
    self.processorQuota = processorQuota
    self.openMPThreads = openMPThreads
    self.memory = memory
    self.processorName = processorName
    self.instructionSets = instructionSets
  }

  /// The kind of processor in words: on equal ones, equal programs give equal bits.
  public var processorKind: String { "\(processorName), \(Self.kernels) kernels, BLAS for \(BLAS.kernelName)" }

  /// The instruction set whose kernels run: the best that the processor has, or what `TUTTI_ISA` names.
  public static var kernels: String { tutti_isa().map { String(cString: $0) } ?? "unknown" }

  /// Whether two processes on one node may meet on a core.
  public static func overlap(_ a: [Int], _ b: [Int]) -> Bool { !Set(a).isDisjoint(with: b) }
}

extension HostFacts {
  /// The facts of this process now.
  public static func detect() -> HostFacts {
    let groups = ControlGroups(read: readSystemFile)
    let cores = affinity()
    let online = readSystemFile("/sys/devices/system/cpu/online").map(coreList) ?? []
    let allowed = groups.cores ?? online
    let (name, sets) = processor(cpuInfo: readSystemFile("/proc/cpuinfo") ?? "")
    return HostFacts(
      cores: cores, allowedCores: allowed.isEmpty ? cores : allowed,
      processorQuota: groups.processorQuota,
      openMPThreads: getenv("OMP_NUM_THREADS").flatMap { openMPThreads(String(cString: $0)) },
      memory: Memory(
        controlGroup: groups.memoryLimit,
        addressSpace: addressSpaceLimit(),
        available: readSystemFile("/proc/meminfo").flatMap(availableMemory)),
      processorName: name, instructionSets: sets)
  }

  /// The cores in the calling thread's mask, ascending; core 0 when the system does not tell.
  public static func affinity() -> [Int] {
    var words = [UInt64](repeating: 0, count: 16)
    var code = tutti_get_affinity(&words, Int32(words.count))
    while code == EINVAL && words.count < 1 << 14 {
      words = [UInt64](repeating: 0, count: words.count * 4)
      code = tutti_get_affinity(&words, Int32(words.count))
    }
    guard code == 0 else { return [0] }
    return (0..<words.count * 64).filter { words[$0 / 64] >> UInt64($0 % 64) & 1 == 1 }
  }

  /// The first number of a value of `OMP_NUM_THREADS` (`4` or `4,2`), if it is positive.
  static func openMPThreads(_ value: String) -> Int? {
    let first = value.split(separator: ",").first ?? ""
    guard let number = Int(first.filter { $0 != " " }), number > 0 else { return nil }
    return number
  }

  /// The numbers in a kernel's list such as `0-3,8`.
  static func coreList(_ text: String) -> [Int] {
    text.split { $0 == "," || $0.isWhitespace }.flatMap { part -> [Int] in
      let ends = part.split(separator: "-").map { Int($0) }
      guard let first = ends.first ?? nil, let last = ends.last ?? nil, first <= last else { return [] }
      return Array(first...last)
    }
  }

  /// The processor's name and its known vector instruction sets.
  static func processor(cpuInfo: String) -> (name: String, instructionSets: [String]) {
    let known = [
      "sse4_2", "avx", "f16c", "fma", "avx2", "avx512f", "avx512dq", "avx512bw", "avx512vl", "avx512_vnni",
      "avx512_bf16", "avx512_fp16", "amx_tile", "amx_bf16", "asimd", "sve", "sve2", "bf16",
    ]
    var name = ""
    var flags: Set<Substring> = []
    for line in cpuInfo.split(separator: "\n") {
      guard let colon = line.firstIndex(of: ":") else { continue }
      let key = line[..<colon].split(whereSeparator: \.isWhitespace).joined(separator: " ")
      let value = line[line.index(after: colon)...]
      switch key {
      case "model name" where name.isEmpty:
        name = value.split(whereSeparator: \.isWhitespace).joined(separator: " ")
      case "flags" where flags.isEmpty, "Features" where flags.isEmpty:
        flags = Set(value.split(separator: " "))
      default: break
      }
      if !name.isEmpty && !flags.isEmpty { break }
    }
    return (name.isEmpty ? "unknown" : name, known.filter { flags.contains(Substring($0)) })
  }

  /// `MemAvailable` of `/proc/meminfo` in bytes.
  static func availableMemory(memoryInfo: String) -> UInt64? {
    for line in memoryInfo.split(separator: "\n") where line.hasPrefix("MemAvailable:") {
      return line.split(separator: " ").dropFirst().first.flatMap { UInt64($0) }.map { $0 * 1024 }
    }
    return nil
  }

  /// The bytes of this process that are in memory now (`VmRSS` of `/proc/self/status`); nil when the system does not
  /// tell.
  public static var residentBytes: Int? {
    for line in (readSystemFile("/proc/self/status") ?? "").split(separator: "\n") where line.hasPrefix("VmRSS:") {
      return line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { Int($0) }.map { $0 * 1024 }
    }
    return nil
  }

  private static func addressSpaceLimit() -> UInt64? {
    var limit = rlimit()
    guard getrlimit(__rlimit_resource_t(UInt32(RLIMIT_AS.rawValue)), &limit) == 0 else { return nil }
    return limit.rlim_cur == rlim_t.max ? nil : UInt64(limit.rlim_cur)
  }
}

/// The text of a small file of the system, or `nil` when it cannot be read.
func readSystemFile(_ path: String) -> String? {
  guard let file = fopen(path, "r") else { return nil }
  defer { fclose(file) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 4096)
  while true {
    let count = fread(&chunk, 1, chunk.count, file)
    if count == 0 { break }
    bytes += chunk[..<count]
  }
  return String(decoding: bytes, as: UTF8.self)
}
