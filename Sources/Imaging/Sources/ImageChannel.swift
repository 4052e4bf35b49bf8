import HDF5
import ImageFiles

/// A channel of images that networks see, by its name or its number.
public struct ImageChannel: Sendable, Hashable, Codable {
  /// The name that files give it; nil: it goes by its number.
  public let name: String?
  /// Its number, from 0 on; nil: it goes by its name.
  public let number: Int?

  /// A channel as a user writes it. A number is a name too, where a file calls a channel so.
  public init(_ text: String) { (name, number) = (text, Int(text)) }

  private init(name: String?, number: Int?) { (self.name, self.number) = (name, number) }

  /// As a user writes it.
  public var text: String { name ?? number.map(String.init) ?? "" }

  /// Which of the channels of an array this is, and by what it was found.
  ///
  /// - Parameter names: those that the file says; nil: none.
  /// - Returns: nil when there is no such channel.
  fileprivate func found(in names: [String]?, count: Int) -> (index: Int, by: ImageChannel)? {
    if let name, let index = names?.firstIndex(of: name) { return (index, ImageChannel(name: name, number: nil)) }
    guard let number, (0..<count).contains(number) else { return nil }
    return (number, ImageChannel(name: nil, number: number))
  }
}

/// Some channels of an array.
struct ChosenChannels {
  /// Their numbers in the file.
  let numbers: [Int]
  /// How they were found: by name or by number.
  let channels: [ImageChannel]
  /// The array of these channels alone.
  let array: any StoredArray

  /// - Parameter axis: that of channels; nil: the array has none.
  /// - Throws: `ImagingError.noChannel` or `.noChannelAxis`.
  init(
    _ channels: [ImageChannel], of array: any StoredArray, axis: Int?, at location: ArrayLocation
  ) throws(ImagingError) {
    guard let axis else { throw .noChannelAxis(location, shape: array.shape, wanted: channels.map(\.text)) }
    let count = array.shape[axis]
    // Names of another number of channels are of another axis.
    let names = array.facts.channels.flatMap { $0.count == count ? $0 : nil }
    var found: [(index: Int, by: ImageChannel)] = []
    for channel in channels {
      guard let place = channel.found(in: names, count: count) else {
        throw .noChannel(location, channel.text, count: count, names: names)
      }
      if let twice = found.first(where: { $0.index == place.index }) {
        throw .channelTwice(location, twice.by.text, channel.text)
      }
      found.append(place)
    }
    numbers = found.map(\.index)
    self.channels = found.map(\.by)
    self.array = PickedArray(array, axis: axis, elements: numbers)
  }
}
