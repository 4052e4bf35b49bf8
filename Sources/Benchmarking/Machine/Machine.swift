import CKernels
import HDF5
import Host
import MessagePassing

/// Facts about the machine, and its measured limits: peak FLOP/s and memory bandwidth.
public struct Machine: Sendable, Encodable {
  /// The processor's name.
  public let processor: String
  /// Vector instruction sets of the processor that kernels are made for.
  public let instructionSets: [String]
  /// The kernels in use: `avx512`, `avx2` or `portable`.
  public let kernels: String
  /// The cores that this process may run on.
  public let cores: [Int]
  /// The cores that the control group, or else the machine, allows.
  public let allowedCores: [Int]
  /// The processor time that the control group grants, in cores.
  public let processorQuota: Double?
  /// The caches that a core sees.
  public let caches: [ProcessorCache]
  /// GFLOP/s of one core.
  public let peak: Double
  /// Measured on one thread, and on as many as the process has cores.
  public let memoryBandwidth: [MemoryBandwidth]
  /// The processor family whose kernels OpenBLAS chose.
  public let blas: String
  /// Name and version of the MPI library.
  public let mpi: String
  /// Version of the HDF5 library.
  public let hdf5: String

  private enum CodingKeys: String, CodingKey {
    case processor, kernels, cores, caches, mpi, hdf5
    case instructionSets = "instruction_sets"
    case allowedCores = "allowed_cores"
    case processorQuota = "quota_cores"
    case peak = "peak_gflops"
    case memoryBandwidth = "memory_bandwidth"
    case blas = "blas_kernel"
  }

  /// Detects and measures; takes a few seconds and 400 MB.
  ///
  /// - Parameter bandwidthBytes: of each of the three arrays that memory bandwidth is measured on.
  /// - Throws: `ThreadTeamError` when threads cannot be started, `HDF5Error` when the library does not answer.
  public init(bandwidthBytes: Int = 128 << 20) throws {
    let facts = HostFacts.detect()
    processor = facts.processorName
    instructionSets = facts.instructionSets
    kernels = HostFacts.kernels
    cores = facts.cores
    allowedCores = facts.allowedCores
    processorQuota = facts.processorQuota
    caches = ProcessorCache.all()
    let before = Peak.gflops()
    memoryBandwidth = try Set([1, facts.cores.count]).sorted().map {
      MemoryBandwidth.measure(team: try ThreadTeam(size: $0, pinned: true), bytes: bandwidthBytes)
    }
    // Neighbours on the machine can only lower it.
    peak = max(before, Peak.gflops())
    blas = BLAS.kernelName
    mpi = MPI.libraryVersion()
    hdf5 = try File.libraryVersion()
  }
}

extension Machine: CustomStringConvertible {
  public var description: String {
    func list(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: " ") }
    var lines = [
      ("processor", processor),
      ("instruction sets", instructionSets.joined(separator: " ")),
      ("kernels", kernels),
      ("cores", "\(cores.count) (mask: \(list(cores)); allowed: \(list(allowedCores)))"),
      ("processor quota", processorQuota.map { $0.text(1) + " cores" } ?? "none"),
    ]
    lines += caches.map { ("cache", $0.description) }
    lines.append(("peak of one core", peak.text(1) + " GFLOP/s"))
    lines += memoryBandwidth.map {
      (
        "memory bandwidth",
        "\($0.threads) thread\($0.threads == 1 ? "" : "s"): copy \($0.copy.text(1)), triad \($0.triad.text(1)) GB/s"
      )
    }
    lines += [("BLAS kernel", blas), ("MPI", mpi), ("HDF5", hdf5)]
    return Report.lines(lines)
  }
}
