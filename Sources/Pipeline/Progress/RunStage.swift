/// What a run does at a time.
public enum RunStage: String, CaseIterable, Hashable, Sendable, Encodable {
  /// Data are read and looked at.
  case reading = "reading data"
  case training
  case calibration
  case prediction
  case evaluation
  case page

  /// What messages call it.
  var words: String { self == .page ? "writing the page" : rawValue }
}
