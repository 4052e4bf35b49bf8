import CMPI
import Glibc

/// The folder that Open MPI keeps shared windows in, and the space there.
enum SharedMemory {
  /// Bytes of a page of memory.
  static var pageSize: Int { max(4096, sysconf(CInt(_SC_PAGESIZE))) }

  /// The folder that Open MPI backs shared windows with, as its own setting says; else where it is by default.
  static let backingDirectory: String = {
    let name = "osc_sm_backing_directory"
    let setting = withUnsafeTemporaryAllocation(of: CChar.self, capacity: 1 << 14) { text in
      let length = text.baseAddress.map { cmpi_text_setting(name, $0, CInt(text.count)) } ?? 0
      return String(decoding: text.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
    if !setting.isEmpty { return setting }
    if let setting = ProcessEnvironment.variable("OMPI_MCA_\(name)") { return setting }
    if access("/dev/shm", W_OK) == 0 { return "/dev/shm" }
    return ProcessEnvironment.variable("TMPDIR") ?? "/tmp"
  }()

  /// The bytes that are free in a folder; nil when that cannot be told.
  static func freeBytes(in directory: String) -> Int? {
    var status = statvfs()
    guard statvfs(directory, &status) == 0 else { return nil }
    let (bytes, overflows) = Int(clamping: status.f_bavail).multipliedReportingOverflow(by: Int(status.f_frsize))
    return overflows ? .max : bytes
  }

  /// Throws `SharedWindowError.noSpace` on all ranks when any of them finds too little space. Collective.
  ///
  /// One rank keeps its window in memory of its own, and needs no space.
  static func requireSpace(bytes: Int, on communicator: Communicator) throws {
    guard communicator.size > 1 else { return }
    let directory = backingDirectory
    let free = try communicator.allReduce(freeBytes(in: directory) ?? .max, .minimum)
    // The library itself refuses when the file would fill more than 95 % of what is free.
    guard Double(bytes) <= 0.9 * Double(free) else {
      throw SharedWindowError.noSpace(directory: directory, needed: bytes, free: free)
    }
  }
}
