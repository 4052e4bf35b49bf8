import Engine
import Ensembles
import Foundation
import HDF5
import Host
import MessagePassing

/// How a results file came about (NXprocess `/entry/provenance`): versions and host facts, all that may differ between equal
/// runs.
enum Provenance {
  /// Makes the group with what every run tells of itself.
  ///
  /// - Parameter threads: of this rank.
  static func create(in entry: Group, threads: Int, over world: Communicator) throws -> Group {
    let group = try entry.createGroup("provenance")
    try group.setAttribute("NX_class", "NXprocess")
    try group.write("tutti", to: "program")
    try group.write(tuttiVersion, to: "version")
    try group.write(Int64(Plan.numericsVersion), to: "numerics")
    try group.write(ISO8601DateFormatter().string(from: Date()), to: "date")
    try group.write(Int64(world.size), to: "ranks")
    try group.write(Int64(threads), to: "threads")
    try group.write(try MPI.processorName(), to: "host")
    try group.write(MPI.libraryVersion(), to: "mpi")
    try group.write(HostFacts.detect().processorName, to: "processor")
    try group.write(BLAS.kernelName, to: "blas")
    return group
  }

  /// A path as it is found from anywhere.
  static func path(_ path: String) -> String { URL(fileURLWithPath: path).standardizedFileURL.path }
}
