/// Why no job can be written for data.
public enum ProposalError: Error, Hashable, Sendable {
  /// A file of several arrays, of which none is told to be the images by its name.
  case noImages(String, arrays: [String])
  /// The shape of the images is none that a job reads.
  case shape(String, [Int])
  /// Labels or targets do not fit the images.
  case answerShape(String, [Int], images: String, [Int])
  /// Labels are no whole numbers, or too many.
  case labels(String)
  /// Labels hold one number alone.
  case oneNumber(String, Int)
  /// The task needs what was not given.
  case missing(String, task: String)
  /// An option does not go with the task.
  case notOfTask(String, task: String)
  /// The job file is there already.
  case exists(String)
  /// Images are too small for any patch.
  case tooSmall(String, [Int])
  /// The job file cannot be written.
  case file(String, reason: String)
}

extension ProposalError: CustomStringConvertible {
  public var description: String {
    switch self {
    case .noImages(let file, let arrays):
      return "\(file) holds several arrays (\(arrays.joined(separator: ", "))); name the images, as in \(file):"
        + "\(arrays.first ?? "/images")."
    case .shape(let place, let shape):
      return """
        \(place) has shape \(shape), which is no stack of images or volumes; ‘tutti info’ tells what a file holds. Name the \
        axes by --axes, or take a part of it, as in \(place)[0].
        """
    case .answerShape(let place, let shape, let images, let imageShape):
      return """
        \(place) has shape \(shape) but \(images) has \(imageShape); labels and targets have the images' shape, without \
        channels, or, of whole images, one number each. Give others by --labels or --targets.
        """
    case .labels(let place):
      return """
        \(place) holds numbers that are no classes: fractions, or more than 32 different ones. Labels are 0, 1, … for each \
        pixel; numbers of objects are made labels by ‘labels > 0’ in NumPy. Images to be learnt are given by --targets.
        """
    case .oneNumber(let place, let number):
      return "\(place) holds the label \(number) alone; there is nothing to tell apart."
    case .missing(let option, let task): return "\(task) needs \(option)."
    case .notOfTask(let option, let task): return "\(option) does not go with the task \(task)."
    case .exists(let path): return "\(path) exists already; give --overwrite to replace it, or another name by -o."
    case .tooSmall(let place, let shape):
      return "\(place) has shape \(shape); images have 8 pixels at least along each side."
    case .file(let path, let reason): return "\(path) cannot be written: \(reason)"
    }
  }
}
