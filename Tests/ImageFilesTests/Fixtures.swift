import Foundation
import HDF5
import TestSupport

@testable import ImageFiles

typealias Scratch = TestSupport.Scratch

extension Scratch {
  func write(_ bytes: [UInt8], to name: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: "\(folder)/\(name)"))
  }

  func location(_ text: String) -> ArrayLocation { ArrayLocation(text, in: folder) }
}

/// The files that `Tests/Fixtures/formats/make.py` made.
let formats = Repository.path("Tests/Fixtures/formats")

/// Opens a fixture.
func fixture(_ text: String) throws -> any StoredArray { try ArrayFile.open(ArrayLocation(text, in: formats)).1 }

/// The text of the error that a closure throws; empty when it throws none.
func message(_ body: () throws -> Void) -> String { messageOfError(body) }
