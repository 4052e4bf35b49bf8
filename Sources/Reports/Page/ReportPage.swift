import Foundation
import Mustache

/// The page about a run: one HTML file that needs no other file and no network.
///
/// It has light and dark colours, prints, and is read without scripts too: they only switch slices and enlarge pictures.
public struct ReportPage: Sendable {
  /// Numbers in rows and columns; the first column names the row.
  public struct Table: Sendable {
    var title: String
    var columns: [String]
    var rows: [Row]

    struct Row: Sendable {
      var name: String
      var cells: [String]
    }

    /// A table.
    public init(title: String, columns: [String], rows: [(name: String, cells: [String])]) {
      self.title = title
      self.columns = columns
      self.rows = rows.map { Row(name: $0.name, cells: $0.cells) }
    }
  }

  /// A drawing with a sentence that says what it shows.
  public struct Chart: Sendable {
    /// In a list to choose from.
    var name: String
    var svg: String
    var description: String
    /// The bytes that the drawing takes in the page.
    public var bytes: Int { svg.utf8.count }

    /// A drawing.
    public init(_ picture: SVGPicture, description: String) {
      // The page has its own declaration of what it is.
      let text = picture.text
      let start = text.range(of: "<svg")?.lowerBound ?? text.startIndex
      svg = String(text[start...])
      self.description = description
      name = picture.title
    }
  }

  /// One picture of an image: the image itself, the truth, the mean …
  public struct Layer: Sendable {
    var name: String
    /// What the colours mean.
    var legend: String
    var description: String
    var data: String
    /// The bytes that the picture takes in the page.
    public var bytes: Int { data.utf8.count }

    /// - Parameter png: a PNG file.
    public init(name: String, legend: String, description: String, png: Data) {
      (self.name, self.legend, self.description) = (name, legend, description)
      data = png.base64EncodedString()
    }
  }

  /// The layers of one image or slice.
  public struct Frame: Sendable {
    var title: String
    var note: String
    var layers: [Layer]

    /// A frame.
    public init(title: String, note: String, layers: [Layer]) {
      (self.title, self.note, self.layers) = (title, note, layers)
    }
  }

  /// Several frames: one below the other, or with a slider that shows one at a time.
  public struct Viewer: Sendable {
    /// What the slider moves through; nil: no slider.
    var slider: String?
    var last: Int
    var frames: [Frame]

    /// A viewer.
    public init(slider: String? = nil, frames: [Frame]) {
      (self.slider, self.frames) = (slider, frames)
      last = frames.count - 1
    }
  }

  /// A text that is folded away.
  public struct Listing: Sendable {
    var title: String
    var text: String

    /// A listing.
    public init(title: String, text: String) { (self.title, self.text) = (title, text) }
  }

  /// A part of the page with a heading.
  public struct Section: Sendable {
    /// What a link to it says behind `#`.
    public let id: String
    var title: String
    var text: [String]
    var viewers: [Viewer]
    var tables: [Table]
    var charts: [Chart]
    var alternatives: [Chart]
    var drawings: [Chart]
    var listings: [Listing]

    /// A section.
    ///
    /// - Parameters:
    ///   - id: what a link to it says behind `#`.
    ///   - alternatives: charts of which one is shown at a time; all in print.
    ///   - drawings: small ones, several in a row.
    public init(
      id: String, title: String, text: [String] = [], viewers: [Viewer] = [], tables: [Table] = [],
      charts: [Chart] = [], alternatives: [Chart] = [], drawings: [Chart] = [], listings: [Listing] = []
    ) {
      (self.id, self.title, self.text, self.drawings) = (id, title, text, drawings)
      (self.viewers, self.tables, self.charts, self.listings) = (viewers, tables, charts, listings)
      self.alternatives = alternatives
    }
  }

  /// Of the page and its window.
  public var title: String
  /// Sentences below the title.
  public var lead: [String]
  /// In the order of the page.
  public var sections: [Section]
  /// What tells the page from one of another state of its run; empty: nothing is told.
  public var source = ""

  /// A page.
  public init(title: String, lead: [String], sections: [Section]) {
    (self.title, self.lead, self.sections) = (title, lead, sections)
  }

  /// The HTML file.
  ///
  /// - Throws: an error of the template, which is a fault of the program.
  public func html() throws -> String {
    try MustacheTemplate(string: Self.template).render(self)
  }
}
