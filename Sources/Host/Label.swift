/// Class labels in memory: one byte a pixel or an image.
public enum Label {
  /// The label of what belongs to no known class. It enters no loss, no metric and no calibration.
  ///
  /// Classes are numbered from 0, so that there are at most 255 of them.
  public static let ignored: UInt8 = 255
}
