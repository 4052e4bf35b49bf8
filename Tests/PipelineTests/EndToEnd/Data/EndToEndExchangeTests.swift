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

  @Test("results and exports open in silx, napari's and ome-zarr's readers, VTK's XDMF reader, tifffile and nibabel")
  func readers() throws {
    let path = ProcessInfo.processInfo.environment["TUTTI_READERS"] ?? python
    let ended = try path.map {
      try EndToEnd.execute([$0, Repository.path("Tests/readers.py"), EndToEnd.tutti], seconds: 300)
    }
    let isThere = ended.map { $0.status != 77 } ?? false
    guard Requirement.readers.holds(isThere, "results in viewers, \(ended?.output ?? "silx")") else { return }
    #expect(ended?.status == 0, "\(ended?.output ?? "")\(ended?.errors ?? "")")
  }
}
