import HDF5
import Host
import ImageFiles
import JobFiles
import MessagePassing

/// Writes a quantity of a results file, or any array, as a file of another format.
public struct Export: Sendable {
  /// A results file, or `path[:dataset][[slices]]` of any array.
  public var source: String
  /// What of the results; nil: the array that the source names.
  public var quantity: ResultsQuantity?
  /// The coverage of sets and intervals.
  public var coverage: Double?
  /// One class or channel alone, by name or number.
  public var className: String?
  /// One image of a stack alone.
  public var image: Int?
  /// The file that is written; its ending tells the format.
  public var output: String
  /// Replace a file that exists.
  public var overwrite: Bool
  /// Whether chunks of OME-Zarr are packed.
  public var isPacked = true

  /// An export as asked for.
  public init(
    _ source: String, quantity: ResultsQuantity?, coverage: Double? = nil, className: String? = nil,
    image: Int? = nil, to output: String, overwrite: Bool = false
  ) {
    self.source = source
    self.quantity = quantity
    self.coverage = coverage
    self.className = className
    self.image = image
    self.output = output
    self.overwrite = overwrite
  }

  /// Takes the objects of the results, which lie in a file beside them.
  public mutating func takeInstances() {
    results = source
    source = RunPaths(results: source).instances + (image.map { "[\($0)]" } ?? "")
  }

  /// The results whose objects are written; nil: it is another array.
  private var results: String?

  /// Writes the file. Collective; all ranks write where the format allows it, else the first.
  ///
  /// - Returns: what is to be told.
  /// - Throws: `RunError`, `ImageFileError`, `HDF5Error`, `FileError`; `RemoteFailure` where one rank alone failed.
  public func run(over world: Communicator) throws -> [String] {
    let isShared = ArrayExport.isShared(output)
    let array = try world.agree {
      guard overwrite || !RunPaths.exists(output) else { throw RunError.outputExists(output) }
      if let results {
        guard RunPaths.exists(results) else { throw RunError.noResults(results) }
        guard RunPaths.exists(RunPaths(results: results).instances) else { throw RunError.noInstances(results) }
      }
      guard let quantity else { return try ArrayFile.open(ArrayLocation(source)).1 }
      return try ResultsArray(source, quantity, level: coverage, className: className, image: image).array
    }
    try world.onRoot {
      try RunPaths.makeFolder(RunPaths.folder(of: output))
      try ArrayExport.begin(output)
    }
    let name = quantity?.rawValue ?? (results == nil ? source : "instances")
    let notes = try world.agree {
      guard isShared || world.rank == 0 else { return [String]() }
      return try ArrayExport.write(
        array, named: name, to: output,
        share: isShared
          ? ArrayExport.Share(rank: world.rank, count: world.size, isPacked: isPacked) : ArrayExport.Share())
    }
    try world.onRoot {
      try ArrayExport.finish(output)
    }
    return notes
  }
}
