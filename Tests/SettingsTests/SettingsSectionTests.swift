import Foundation
import Testing

@testable import Settings

@Suite("Sections of settings") struct SettingsSectionTests {
  struct Inner: SettingsSection {
    var norm: Double?
    static let settings = [Setting("norm", \Inner.norm, .number(.above(0)), otherwise: "no limit", "largest norm")]
  }

  enum Mode: String, SettingConvertible, CaseIterable { case zeros, circular }

  struct Outer: NamedSection {
    static let name = "outer"
    static let meaning = "a section for tests"
    var depth = 4
    var rate = 0.5
    var mode = Mode.zeros
    var inner = Inner()
    var list = [1, 2]
    static let settings = [
      Setting("depth", \Outer.depth, .integer(1...16), "levels"),
      Setting("rate", \Outer.rate, .number(.above(0)), isRequired: true, "learning rate"),
      Setting("padding", \Outer.mode, noun: "padding mode", "how borders are filled"),
      Setting("clip", \Outer.inner, "limits"),
      Setting("list", \Outer.list, .list(of: .integer(1...), 1...), "numbers"),
    ]
  }

  struct Flat: SettingsSection {
    var outer = Outer()
    var more = true
    static let settings =
      Outer.settings.map { $0.within(\Flat.outer) } + [Setting("more", \Flat.more, .boolean, "more")]
  }

  @Test("a section is stored with all its keys and reads back the same")
  func roundTrip() throws {
    var outer = Outer()
    outer.inner.norm = 2
    outer.mode = .circular
    outer.rate = 1
    let text = String(decoding: try JSONEncoder().encode(outer), as: UTF8.self)
    #expect(try JSONDecoder().decode(Outer.self, from: Data(text.utf8)) == outer)
    #expect(
      outer.settingValue.canonicalText
        == #"{"clip":{"norm":2},"depth":4,"list":[1,2],"padding":"circular","rate":1}"#)
  }

  @Test("keys that are not given keep their defaults, and those of nothing are absent")
  func defaults() throws {
    let outer = try Outer(settingValue: .section(["rate": 2.0]))
    #expect(outer.depth == 4 && outer.rate == 2 && outer.inner.norm == nil)
    #expect(outer.settingValue["clip"] == .section([:]))
  }

  @Test("a value of another form is refused with its path")
  func mismatch() {
    #expect(throws: SettingError("‘x’ stands where a number belongs", path: "clip.norm")) {
      try Outer(settingValue: .section(["rate": 1.0, "clip": .section(["norm": "x"])]))
    }
    #expect(throws: SettingError("‘x’ stands where a whole number belongs", path: "depth")) {
      try Flat(settingValue: .section(["depth": "x", "rate": 1.0]))
    }
  }

  @Test("declarations take their defaults from the section")
  func declarations() {
    var defaults = Outer()
    defaults.depth = 7
    let all = Outer.declarations(defaults: defaults)
    #expect(all.map(\.key) == ["depth", "rate", "padding", "clip", "list"])
    guard case .standard(.integer(7)) = all[0].presence else { return #expect(Bool(false), "depth has a default") }
    #expect(all[1].isRequired && !all[2].isRequired)
  }

  @Test("a section written flat has the keys of its parts")
  func flat() throws {
    #expect(Flat.declarations().map(\.key) == ["depth", "rate", "padding", "clip", "list", "more"])
    let flat = try Flat(settingValue: .section(["depth": 3, "more": false, "rate": 1.0]))
    #expect(flat.outer.depth == 3 && !flat.more)
    #expect(flat.settingValue["depth"] == 3)
  }

  @Test("a variant is read by its name, alone or with settings, and stored with it")
  func variants() throws {
    let all = Variants<any NamedSection>(noun: "thing", [Variant(Outer.self) { $0 }])
    #expect(try all.read(.section(["name": "outer", "rate": 0.5])) as? Outer == Outer())
    let read = try all.read(.section(["name": "outer", "depth": 2, "rate": 0.5]))
    #expect((read as? Outer)?.depth == 2)
    #expect(all.write(read)["name"] == "outer")
    #expect(throws: SettingError("‘inner’ is no thing; there are outer", path: "name")) { try all.read("inner") }
  }
}
