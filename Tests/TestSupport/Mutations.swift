import Foundation

/// Inputs that are damaged at random, the same ones from the same seed.
public enum Mutations {
  /// How many inputs a test tries: `TUTTI_MUTATIONS`, else `usual`.
  public static func count(_ usual: Int) -> Int {
    ProcessInfo.processInfo.environment["TUTTI_MUTATIONS"].flatMap { Int($0) } ?? usual
  }

  /// A file's bytes with one to four damages: flipped bits, runs of other bytes, moved pieces, a missing end.
  public static func of(_ bytes: [UInt8], _ random: inout TestRandom) -> [UInt8] {
    var bytes = bytes
    for _ in 0..<random.integer(1...4) where !bytes.isEmpty {
      let place = random.integer(0...bytes.count - 1)
      let length = min(random.integer(1...16), bytes.count - place)
      switch random.integer(0...6) {
      case 0, 1: bytes[place] ^= UInt8(1 << random.integer(0...7))
      case 2: bytes.replaceSubrange(place..<place + length, with: repeatElement(0xFF, count: length))
      case 3: bytes.replaceSubrange(place..<place + length, with: repeatElement(0, count: length))
      case 4:
        for index in place..<place + length { bytes[index] = UInt8(truncatingIfNeeded: random.next()) }
      case 5:
        let source = random.integer(0...bytes.count - length)
        bytes.replaceSubrange(place..<place + length, with: Array(bytes[source..<source + length]))
      default: if random.integer(0...3) == 0 { bytes.removeSubrange(place...) }
      }
    }
    return bytes
  }

  /// What stands in a mutated text instead of a word.
  private static let words = [
    "", "nan", ".inf", "-1", "0", "1e308", "1e-320", "9223372036854775807", "-9223372036854775808", "1.5", "true",
    "null",
    "~", "[]", "{}", "[1, 2", "{a: 1", "'", "\"", "&a", "*a", "!!binary", "|", ">", "#", "\t", "\u{FEFF}", "µ", ":",
    "- ",
    "tunet", "msdnet", "smsnet", "adam", "a.h5:/b:c", "0x10", "1_000", "12:30", "2001-01-01",
  ]

  /// A text with one to three damages: words replaced, lines left out, repeated or exchanged, a changed indentation.
  public static func of(_ text: String, _ random: inout TestRandom) -> String {
    var lines = text.components(separatedBy: "\n")
    for _ in 0..<random.integer(1...3) where !lines.isEmpty {
      let place = random.integer(0...lines.count - 1)
      switch random.integer(0...7) {
      case 0: lines.remove(at: place)
      case 1: lines.insert(lines[place], at: random.integer(0...lines.count - 1))
      case 2: lines.swapAt(place, random.integer(0...lines.count - 1))
      case 3: lines[place] = String(repeating: " ", count: random.integer(0...5)) + lines[place]
      default:
        var words = lines[place].split(separator: " ", omittingEmptySubsequences: false).map(String.init)
        let index = random.integer(0...words.count - 1)
        let ending = words[index].last.map { ",]}:".contains($0) ? String($0) : "" } ?? ""
        words[index] = Self.words[random.integer(0...Self.words.count - 1)] + ending
        lines[place] = words.joined(separator: " ")
      }
    }
    return lines.joined(separator: "\n")
  }
}
