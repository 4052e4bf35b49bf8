import Foundation
import TestSupport
import Testing

/// Image files are exchanged with the Python packages that users have.
@Suite("End to end: exchange with Python")
struct EndToEndExchangeTests {
  @Test("files of tifffile, zarr, h5py, mrcfile, nibabel, imageio and numpy are read, and they read what is exported")
  func exchange() throws {
    let script = Repository.path("Tests/exchange.py")
    let ended = try python.map { try EndToEnd.execute([$0, script, EndToEnd.tutti], seconds: 300) }
    // 77: a package is missing, which is named.
    let isThere = ended.map { $0.status != 77 } ?? false
    guard Requirement.python.holds(isThere, "exchange of images with Python, \(ended?.output ?? "h5py")") else {
      return
    }
    #expect(ended?.status == 0, "\(ended?.output ?? "")\(ended?.errors ?? "")")
  }
}
