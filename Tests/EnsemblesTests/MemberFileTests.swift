import Ensembles
import Foundation
import HDF5
import Host
import Imaging
import Networks
import TestSupport
import Testing
import Training

@Suite struct MemberFileTests {
  /// A member that was never trained, with values that are easy to recognize.
  private func member(_ index: Int = 2, family: NetworkFamily = Problem.sparse) throws -> TrainedMember {
    let problem = try Problem(family: family)
    let graph = try problem.settings.member(index).graph
    let layout = try graph.layout(extents: [12, 12])
    return TrainedMember(
      index: index, graph: graph, parameters: layout.initialParameters(seed: 11, member: index),
      statistics: (0..<layout.statisticCount).map { Float($0) / 7 },
      history: [
        EpochRecord(rate: 0.1, loss: 0.75),
        EpochRecord(rate: 1e-9, loss: 1.0 / 3, validationLoss: 0.5, metrics: ["f1_macro": 0.25]),
        EpochRecord(rate: 0.01, loss: 1e-300, validationLoss: 1, metrics: ["accuracy": 1]),
      ],
      bag: problem.data.sample(seed: 11, member: index, bagging: true), settings: problem.settings,
      scaling: problem.scaling, classes: Problem.classes, fingerprint: 0xFFFF_0000_1234_5678)
  }

  @Test("a member reads back as it was written", arguments: [Problem.sparse, Problem.pyramid])
  func roundTrip(family: NetworkFamily) throws {
    let member = try member(family: family)
    try TemporaryFolder.with { folder in
      let path = folder + "/" + MemberFile.name(2)
      try MemberFile.write(member, to: path)
      #expect(try MemberFile.read(path, job: member.fingerprint, member: 2) == member)
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["member-0002.h5"])
    }
  }

  @Test("a member keeps how images are prepared, and its answers are others by another rule")
  func preparation() throws {
    var member = try member()
    let hash = member.answerHash
    member.scaling.rule = .percentile
    member.scaling.transform = .clip
    member.scaling.limits = member.scaling.mean.map { $0 - 1...$0 + 2.5 }
    member.settings.validity = Validity(invalid: [.negative, .notFinite, .value(65535)], hasDataset: true)
    try TemporaryFolder.with { folder in
      try MemberFile.write(member, to: folder + "/a.h5")
      #expect(try MemberFile.read(folder + "/a.h5") == member)
    }
    #expect(member.answerHash != hash)
  }

  @Test("a member without units out of bag or of bagging reads back too")
  func emptyArrays() throws {
    var member = try member()
    member.bag = Bag(drawn: [0, 1], outOfBag: [])
    try TemporaryFolder.with { folder in
      try MemberFile.write(member, to: folder + "/a.h5")
      #expect(try MemberFile.read(folder + "/a.h5") == member)
    }
  }

  @Test("equal members give equal bytes, over an older file too")
  func sameBytes() throws {
    let member = try member()
    try TemporaryFolder.with { folder in
      let paths = ["a.h5", "b.h5"].map { folder + "/" + $0 }
      try Data("rubbish".utf8).write(to: URL(fileURLWithPath: paths[1]))
      for path in paths { try MemberFile.write(member, to: path) }
      let bytes = try paths.map { try Data(contentsOf: URL(fileURLWithPath: $0)) }
      #expect(bytes[0] == bytes[1])
      #expect(bytes[0].count > 4 * member.parameters.count)
    }
  }

  @Test("parameters stand under their names with their shapes")
  func names() throws {
    let member = try member()
    try TemporaryFolder.with { folder in
      try MemberFile.write(member, to: folder + "/a.h5")
      let file = try File(opening: folder + "/a.h5")
      for entry in try member.graph.layout(extents: [12, 12]).parameters {
        let dataset = try file.dataset("parameters/\(entry.name)")
        #expect(try dataset.shape == entry.shape)
        #expect(try dataset.read(as: Float.self) == Array(member.parameters[entry.range]))
      }
    }
  }

  /// Writes a member, lets `change` spoil the file, and gives the message of reading it.
  private func message(
    job: UInt64? = nil, index: Int? = nil, _ change: (File) throws -> Void = { _ in }
  ) throws -> String {
    try TemporaryFolder.with { folder in
      let path = folder + "/a.h5"
      try MemberFile.write(try member(), to: path)
      // As a file without a checksum, which a change would spoil.
      let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      try bytes.dropFirst(512).write(to: URL(fileURLWithPath: path))
      try File.with(path, mode: .readWrite, change)
      do {
        _ = try MemberFile.read(path, job: job, member: index)
        return "no error"
      } catch {
        let text = "\(error)"
        #expect(text.hasPrefix(path + ":"), "\(text)")
        return text
      }
    }
  }

  @Test("a member of another job, other numerics or another number is refused with a message")
  func others() throws {
    let job: UInt64 = 0xFFFF_0000_1234_5678
    #expect(try message(job: job, index: 2) == "no error")
    #expect(try message(job: 5).contains("trained by another job (0xffff000012345678, this one is 0x5)"))
    #expect(try message(index: 1).contains("holds member 2 where member 1 was expected"))
    let numerics: (File) throws -> Void = { try $0.setAttribute("numerics", -1) }
    #expect(try message(job: job, numerics).contains("other numerics (version -1"))
    #expect(try message(numerics) == "no error")
    #expect(try message { try $0.setAttribute("version", 99) }.contains("its form is version 99"))
  }

  @Test("a file that is damaged or none of ours is refused with a message that says where")
  func damaged() throws {
    #expect(try message { try $0.removeAttribute("format") }.contains("not a member of an ensemble"))
    #expect(try message { try $0.remove("history/loss") }.contains("/history/loss"))
    #expect(try message { try $0.remove("parameters") }.contains("parameters"))
    #expect(
      try message {
        try $0.remove("network/graph")
        try $0.write("{\"dimensions\": 2}", to: "network/graph")
      }.contains("/network/graph is not the JSON of a NetworkGraph"))
    let name = try member().graph.layout(extents: [12, 12]).parameters[0].name
    #expect(
      try message {
        try $0.remove("parameters/\(name)")
        try $0.write([Float](repeating: 0, count: 3), to: "parameters/\(name)")
      }.contains("/parameters/\(name) has shape [3], but its network needs"))
    #expect(
      try message {
        let dataset = try $0.dataset("parameters/\(name)")
        try dataset.write([Float](repeating: .nan, count: try dataset.shape.reduce(1, *)))
      }.contains("/parameters/\(name) holds values that are not finite"))
    #expect(
      try message {
        try $0.remove("scaling/mean")
        try $0.write([1.0, 2.0], to: "scaling/mean")
      }.contains("/scaling does not fit a network of 1 channels"))
    #expect(
      try message {
        try $0.remove("classes")
        try $0.write(["one"], to: "classes")
      }.contains("names 1 classes but its network tells 2 apart"))
  }

  @Test("a missing, truncated or foreign file is named")
  func unreadable() throws {
    try TemporaryFolder.with { folder in
      let path = folder + "/a.h5"
      func text() -> String {
        do {
          _ = try MemberFile.read(path)
          return "no error"
        } catch {
          return "\(error)"
        }
      }
      #expect(text().contains(path) && text().contains("no such file"))
      try Data("rubbish".utf8).write(to: URL(fileURLWithPath: path))
      #expect(text().contains(path) && text().contains("not an HDF5 file"))
      try MemberFile.write(try member(), to: path)
      let bytes = try Data(contentsOf: URL(fileURLWithPath: path))
      try bytes.prefix(bytes.count / 2).write(to: URL(fileURLWithPath: path))
      #expect(text().contains(path) && text().contains("cut off"))
      var changed = bytes
      changed[bytes.count / 2] ^= 1
      try changed.write(to: URL(fileURLWithPath: path))
      #expect(text().contains(path) && text().contains("the checksum is wrong"))
      let error = #expect(throws: FileError.self) { try MemberFile.write(try member(), to: folder + "/none/a.h5") }
      #expect(error?.description == "\(folder)/none/a.h5: the file could not be written: No such file or directory.")
    }
  }
}
