import Foundation
import Testing

@testable import Reports

@Suite("The page about a run")
struct ReportPageTests {
  private var page: ReportPage {
    let png = Data([0x89, 0x50, 0x4E, 0x47])
    let layers = ["Image", "Spread"].map {
      ReportPage.Layer(name: $0, legend: "0 to 1", description: "slice 3, \($0)", png: png)
    }
    let frames = (0..<3).map { ReportPage.Frame(title: "slice \($0)", note: "spread 0.1", layers: layers) }
    return ReportPage(
      title: "a & b <c>", lead: ["First.", "Second."],
      sections: [
        .init(
          id: "scores", title: "Scores", text: ["Some text."],
          tables: [.init(title: "Dice", columns: ["paste", "void"], rows: [("member 0", ["0.5", "0.25"])])],
          charts: [
            .init(
              StackedBars(title: "T", unit: "s", kinds: ["wait"], bars: [("rank 0", [1.5])]).picture,
              description: "Seconds")
          ],
          alternatives: ["by UMAP", "by components"].map {
            .init(
              ScatterChart(title: $0, xLabel: "x", yLabel: "y", kinds: [], points: []).picture, description: "Map \($0)"
            )
          },
          drawings: (0..<2).map {
            .init(SVGPicture(width: 10, height: 10), description: "Drawing \($0)")
          }),
        .init(
          id: "images", title: "Images", viewers: [.init(frames: frames), .init(slider: "Walk", frames: frames)],
          listings: [.init(title: "The job file", text: "tutti: 1\nname: <x>\n")]),
      ])
  }

  @Test("it holds all that it was given, with the signs of HTML written out, and needs nothing from elsewhere")
  func whole() throws {
    let html = try page.html()
    #expect(html.hasPrefix("<!DOCTYPE html>") && html.contains("</html>"))
    #expect(html.contains("<title>a &amp; b &lt;c&gt;</title>"))
    #expect(html.contains("<p>First.</p>") && html.contains("<p>Second.</p>"))
    #expect(html.contains("<a href=\"#scores\">Scores</a>") && html.contains("<section id=\"images\""))
    #expect(html.contains("<th scope=\"row\">member 0</th><td>0.5</td><td>0.25</td>"))
    #expect(html.contains("<svg ") && !html.contains("<?xml"))
    #expect(html.contains("name: &lt;x&gt;"))
    #expect(!html.contains("{{"))
    // Two viewers of three frames of two layers.
    #expect(html.components(separatedBy: "data:image/png;base64,iVBORw==").count == 13)
    let links = html.matches(of: /(src|href)="([^"]*)"/).map { String($0.output.2) }
    #expect(links.allSatisfy { $0.hasPrefix("#") || $0.hasPrefix("data:image/png") })
  }

  @Test("a viewer with a slider goes through all its frames, one without has none")
  func slider() throws {
    let html = try page.html()
    #expect(html.components(separatedBy: "<input type=\"range\"").count == 2)
    #expect(html.contains("<label>Walk <input type=\"range\" min=\"0\" max=\"2\" value=\"0\">"))
  }

  @Test("charts that show the same in several ways lie together, with names to choose by")
  func alternatives() throws {
    let html = try page.html()
    #expect(html.components(separatedBy: "<div class=\"alternatives\">").count == 2)
    let names = html.matches(of: /data-name="([^"]*)"/).map { String($0.output.1) }
    #expect(names == ["by UMAP", "by components"])
    #expect(html.contains("aria-label=\"Map by UMAP\""))
  }

  @Test("every picture has words for those who do not see it")
  func words() throws {
    let html = try page.html()
    let images = html.matches(of: /<img\s+alt="([^"]*)"/).map { String($0.output.1) }
    #expect(images.count == 12 && images.allSatisfy { $0.hasPrefix("slice 3, ") })
    #expect(html.contains("role=\"img\" aria-label=\"Seconds\""))
    #expect(html.components(separatedBy: "<div class=\"drawings\">").count == 2)
    #expect(html.contains("aria-label=\"Drawing 0\"") && html.contains("aria-label=\"Drawing 1\""))
  }

  @Test("colours go from dark to bright, with grey for what is no number, and their ends beyond 0 and 1")
  func colours() {
    #expect(ColourMap.viridis.colour(0) == [68, 1, 84] && ColourMap.viridis.colour(-3) == [68, 1, 84])
    #expect(ColourMap.viridis.colour(1) == [253, 231, 37] && ColourMap.viridis.colour(.infinity) == [253, 231, 37])
    #expect(ColourMap.viridis.colour(.nan) == [128, 128, 128])
    #expect(ColourMap.grey.colour(0.5) == [128, 128, 128])
    let luminance = (0...100).map { index in
      let colour = ColourMap.viridis.colour(Float(index) / 100)
      return 0.2126 * Double(colour.x) + 0.7152 * Double(colour.y) + 0.0722 * Double(colour.z)
    }
    #expect(zip(luminance, luminance.dropFirst()).allSatisfy { $0 <= $1 + 0.5 })
  }
}
