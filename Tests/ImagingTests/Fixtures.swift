import Foundation
import HDF5
import ImageFiles
import TestSupport

@testable import Imaging

typealias Scratch = TestSupport.Scratch

extension Scratch {
  /// Writes an HDF5 file and gives the location of a dataset in it, shown under the file's name alone.
  func write(_ name: String = "a.h5", _ fill: (File) throws -> Void) throws {
    let file = try File(creating: "\(folder)/\(name)")
    try fill(file)
    try file.close()
  }

  func location(_ text: String) -> ArrayLocation { ArrayLocation(text, in: folder) }
}

/// The repository's own data.
func cement(_ dataset: String) -> ArrayLocation {
  let root = Repository.folder.path
  return ArrayLocation(file: "\(root)/jobs/data/cement.h5", dataset: dataset, name: "data/cement.h5")
}

/// The text of the error that a closure throws; empty when it throws none.
func message(_ body: () throws -> Void) -> String { messageOfError(body) }
