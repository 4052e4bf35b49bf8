import Foundation
import HDF5
import TestSupport
import Testing

@Suite("The page of a run, and its pictures alone")
struct EndToEndPicturesTests {
  private static func job(volume: Bool) throws -> EndToEndJob {
    try (volume ? EndToEndSameBitsTests.Reference.volume : EndToEndSameBitsTests.Reference.stack).get().job
  }

  // MARK: Pictures

  @Test(
    "every figure of the page can be drawn alone",
    arguments: [
      ("training", "Learning rate"), ("network", "dilation"), ("confusion", "likeliest class"),
      ("reliability", "share that is right"), ("error-rejection", "share of wrong ones"), ("coverage", "asked for"),
      ("units", "Coverage of each block"), ("set-sizes", "classes in the set"), ("ranks", "backward"),
    ])
  func figures(name: String, words: String) throws {
    let job = try Self.job(volume: true)
    let path = try EndToEnd.makeFolder("figure") + "/\(name).svg"
    let drawn = try EndToEnd.run(["plot", job.results, "--figure", name, "-o", path])
    #expect(drawn.status == 0 && drawn.output == "Picture: \(path)\n", "\(drawn.errors)")
    let svg = try String(contentsOfFile: path, encoding: .utf8)
    #expect(svg.contains(words) && svg.contains("<svg ") && !svg.contains("nan"))
    // What stands alone stands in the page too.
    let html = try String(contentsOfFile: job.folder + "/results/result.report.html", encoding: .utf8)
    #expect(html.contains(words))
  }

  @Test("a figure without data is refused with those that there are")
  func noFigure() throws {
    let job = try Self.job(volume: true)
    let ended = try EndToEnd.run(["plot", job.results, "--figure", "measurements"])
    #expect(ended.status != 0)
    #expect(
      ended.messages.first?.contains("figure ‘measurements’; what is there: training, network, confusion") == true)
  }

  @Test("a slice of the results stands beside its truth, in pixels and with words")
  func panel() throws {
    let job = try Self.job(volume: true)
    let folder = try EndToEnd.makeFolder("panel")
    let svg = folder + "/panel.svg"
    let drawn = try EndToEnd.run(["picture", job.results, "-o", svg])
    #expect(drawn.status == 0 && drawn.output == "Picture: \(svg)\n", "\(drawn.errors)")
    let text = try String(contentsOfFile: svg, encoding: .utf8)
    for word in ["Image", "Labels", "Prediction", "Spread", "Set size", "Errors"] {
      #expect(text.contains(">\(word)<"))
    }
    #expect(text.components(separatedBy: "<image ").count == 7)
    let png = folder + "/panel.png"
    let pixels = try EndToEnd.run(["picture", job.path, "--layers", "mean,spread", "-o", png])
    #expect(pixels.status == 0, "\(pixels.errors)")
    // Two layers of 128×128 pixels with a gap: width and height stand in the header, highest byte first.
    let header = Array(try EndToEnd.bytes(png).dropFirst(16).prefix(8))
    #expect(header == [0, 0, 1, 3, 0, 0, 0, 128])
    let missing = try EndToEnd.run(["picture", job.results, "--slice", "2"])
    #expect(missing.messages.first?.hasPrefix("the results have no slice 2; they have ") == true, "\(missing.errors)")
    let unknown = try EndToEnd.run(["picture", job.results, "--layers", "men"])
    #expect(unknown.errors.contains("there is no layer ‘men’; there are image, truth"))
  }

  @Test("new images stand beside their prediction, without a truth")
  func newImages() throws {
    let job = try EndToEndJob.tiny("new-panel")
    try job.succeed(ranks: nil)
    let folder = job.folder
    let new = folder + "/new.h5"
    let predicted = try EndToEnd.run([
      "predict", job.results, job.folder + "/data.h5:/images", "--images", "3,1", "-o", new,
    ])
    try #require(predicted.status == 0, "\(predicted.errors)")
    let svg = folder + "/panel.svg"
    let drawn = try EndToEnd.run(["picture", new, "--image", "1", "-o", svg])
    #expect(drawn.status == 0 && drawn.output == "Picture: \(svg)\n", "\(drawn.errors)")
    let text = try String(contentsOfFile: svg, encoding: .utf8)
    for word in ["Image", "Prediction", "Spread", "Set size"] { #expect(text.contains(">\(word)<"), "\(word)") }
    #expect(!text.contains(">Labels<") && !text.contains(">Errors<") && !text.contains("nan"))
    #expect(text.contains("new.h5, image 1: mean spread "))
    let other = try EndToEnd.run(["picture", new, "--image", "2"])
    #expect(other.status != 0 && other.errors.contains("they have 2 from image 3 to image 1"), "\(other.errors)")
  }

  @Test("networks are drawn from a job and from what was trained, as pictures and for Graphviz")
  func networks() throws {
    let job = try Self.job(volume: false)
    let folder = try EndToEnd.makeFolder("networks")
    for (source, name) in [(job.path, "job"), (job.results, "results"), (job.memberFolder, "members")] {
      let path = "\(folder)/\(name).svg"
      let drawn = try EndToEnd.run(["draw", source, "--member", "1", "-o", path])
      #expect(drawn.status == 0 && drawn.output == "Picture: \(path)\n", "\(drawn.errors)")
      let svg = try String(contentsOfFile: path, encoding: .utf8)
      #expect(svg.contains("member 1: ") && svg.contains("to fewer pixels") && svg.contains(">64×64<"))
    }
    let text = try EndToEnd.run(["draw", job.results])
    #expect(text.status == 0 && text.output.hasPrefix("digraph \"member 0\" {"))
  }

  @Test("PNG and PDF are made where rsvg-convert is, and else it is said what to install")
  func converted() throws {
    let job = try Self.job(volume: true)
    let folder = try EndToEnd.makeFolder("converted")
    for (ending, start) in [("png", "\u{89}PNG"), ("pdf", "%PDF")] {
      let path = "\(folder)/coverage.\(ending)"
      let drawn = try EndToEnd.run(["plot", job.results, "--figure", "coverage", "-o", path])
      if program("rsvg-convert") == nil {
        #expect(drawn.status != 0 && drawn.messages.first?.contains("apt install librsvg2-bin") == true)
        #expect(try EndToEnd.contents(folder).isEmpty)
      } else {
        #expect(drawn.status == 0, "\(drawn.errors)")
        #expect(String(decoding: try EndToEnd.bytes(path).prefix(4).dropFirst(), as: UTF8.self) == start.dropFirst())
      }
    }
  }

  @Test("a results file stands for its job")
  func reportOfResults() throws {
    let job = try Self.job(volume: false)
    let ended = try EndToEnd.run(["report", job.results])
    #expect(
      ended.status == 0 && ended.output.hasPrefix("Report: \(job.folder)/results/result.report.html\n"),
      "\(ended.errors)")
  }

  // MARK: The page in a browser

  /// Opens a page with a script at its end, which calls `tell(NAME, VALUE)`.
  ///
  /// - Returns: what it told, as JSON; nil where there is no browser.
  private func told(_ html: String, _ script: String, width: Int = 1000) throws -> [String: String]? {
    let browser = program("chromium") ?? program("chromium-browser") ?? program("google-chrome")
    guard Requirement.chromium.holds(browser != nil, "the page in a browser"), let browser else { return nil }
    let folder = try EndToEnd.makeFolder("page")
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let start = """
      <script>const told = {}; const tell = (name, value) => { told[name] = String(value); };
      addEventListener("error", (event) => tell("error", event.message));</script>
      """
    let end =
      "<script>\(script)\ndocument.body.innerHTML = \"<pre id=told></pre>\"; "
      + "document.getElementById(\"told\").textContent = JSON.stringify(told);</script>"
    var page = html.replacingOccurrences(of: "<body>", with: "<body>" + start)
    page = page.replacingOccurrences(of: "</body>", with: end + "</body>")
    try page.write(toFile: folder + "/page.html", atomically: true, encoding: .utf8)
    let ended = try EndToEnd.execute(
      [
        browser, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--window-size=\(width),900",
        "--user-data-dir=\(folder)/profile", "--dump-dom", "file://\(folder)/page.html",
      ], seconds: 120)
    #expect(!ended.errors.contains("CONSOLE"), "\(ended.errors)")
    let json = try #require(ended.output.firstMatch(of: /<pre id="told">([^<]*)<\/pre>/), "\(ended.errors)").output.1
    return try JSONDecoder().decode([String: String].self, from: Data(json.utf8))
  }

  /// What both tests begin with: helpers, and the viewer of chosen images.
  private static let helpers = """
    const viewers = [...document.querySelectorAll(".viewer")];
    const shown = (root, what) => [...root.querySelectorAll(what)].filter((e) => e.getClientRects().length > 0);
    const key = (name) => document.activeElement.dispatchEvent(new KeyboardEvent("keydown", { key: name, bubbles: true }));
    const large = (root) => [...root.querySelectorAll(".large b")].map((e) => e.textContent).join();
    const choose = (viewer, value) => { const select = viewer.querySelector("select"); select.value = value;
      select.dispatchEvent(new Event("change")); };
    const buttons = [...viewers[0].querySelectorAll("button")];

    """

  @Test("pictures are enlarged by click and by keys, and layers switched, without errors in the browser")
  func clicks() throws {
    let html = try String(
      contentsOfFile: Self.job(volume: false).folder + "/results/result.report.html", encoding: .utf8)
    let script =
      Self.helpers + """
        tell("selects", viewers.length === document.querySelectorAll("select").length);
        buttons[0].click();
        tell("clicked", large(viewers[0]) + " " + buttons[0].getAttribute("aria-pressed"));
        buttons[0].focus(); key("ArrowRight");
        tell("right", large(viewers[0]) + " " + (document.activeElement === buttons[1]));
        key("ArrowLeft"); key("ArrowLeft");
        tell("left", large(viewers[0]));
        buttons[5].click();
        tell("small again", large(viewers[0]));
        choose(viewers[0], "3");
        tell("layer", shown(viewers[0], "figure").length === viewers[0].querySelectorAll(".frame").length);
        tell("layer's name", new Set([...viewers[0].querySelectorAll(".large b")].map((e) => e.textContent)).size);
        choose(viewers[0], "-1");
        tell("all layers", shown(viewers[0], "figure").length === viewers[0].querySelectorAll("figure").length);
        tell("fits", document.documentElement.scrollWidth <= innerWidth);
        tell("words", [...document.querySelectorAll("img, [role=img]")].every((e) => (e.alt || e.ariaLabel || "").length > 9));
        """
    guard let told = try told(html, script, width: 500) else { return }
    #expect(
      told == [
        "selects": "true", "clicked": "Image true", "right": "Labels true", "left": "Errors", "small again": "",
        "layer": "true", "layer's name": "1", "all layers": "true", "fits": "true", "words": "true",
      ])
  }

  /// The page of an autoencoder's job, whose latent values are mapped twice.
  private static func pageOfMaps() throws -> String {
    let folder = try EndToEnd.makeFolder("maps")
    try EndToEnd.writeImages(in: folder, numbers: ["kinds": { $0 % 3 }])
    try EndToEnd.writeLatentJob(
      "maps", prediction: ", kinds: data.h5:/kinds", output: "r.h5", to: folder + "/job.yaml")
    let ended = try EndToEnd.run(["run", "job.yaml", "--threads", "1"], in: folder)
    try #require(ended.status == 0, "\(ended.errors)")
    return try String(contentsOfFile: folder + "/r.report.html", encoding: .utf8)
  }

  @Test("of the maps of latent values one is shown, and another one when it is chosen")
  func maps() throws {
    let html = try Self.pageOfMaps()
    let script =
      Self.helpers + """
        const group = document.querySelector(".alternatives"), select = group.querySelector("select");
        const figures = [...group.querySelectorAll("figure")];
        const seen = () => figures.map((e) => e.getClientRects().length > 0 ? 1 : 0).join("");
        tell("lists", document.querySelectorAll(".alternatives select").length);
        tell("maps", [...select.options].map((e) => e.text).join("|"));
        tell("titles", figures.map((e) => e.dataset.name).join("|"));
        tell("label", select.closest("label").textContent.startsWith("Map "));
        tell("first", seen());
        select.focus(); tell("focus", document.activeElement === select);
        select.value = "1"; select.dispatchEvent(new Event("change"));
        tell("second", seen());
        tell("points", figures[1].querySelectorAll(".thumb").length > 0 ? "thumbnails" : figures[1].querySelectorAll("circle").length);
        select.value = "0"; select.dispatchEvent(new Event("change"));
        tell("first again", seen());
        tell("fits", document.documentElement.scrollWidth <= innerWidth);
        tell("words", figures.every((e) => (e.ariaLabel || "").length > 20));
        """
    guard let told = try told(html, script, width: 500) else { return }
    #expect(told["lists"] == "1" && told["label"] == "true" && told["focus"] == "true" && told["fits"] == "true")
    #expect(told["first"] == "10" && told["second"] == "01" && told["first again"] == "10", "\(told)")
    let names = "Latent values of member 0, by UMAP|Latent values of member 0, by principal components"
    #expect(told["maps"] == names && told["titles"] == names, "\(told)")
    #expect(told["words"] == "true" && told["points"] == "thumbnails", "\(told)")
  }

  @Test("a slider and the arrow keys go through a volume")
  func slider() throws {
    let html = try String(
      contentsOfFile: Self.job(volume: true).folder + "/results/result.report.html", encoding: .utf8)
    let script =
      Self.helpers + """
        const walk = viewers.find((viewer) => viewer.querySelector("input"));
        const input = walk.querySelector("input"), output = walk.querySelector("output");
        const place = () => [...walk.querySelectorAll(".frame")].map((f, i) => f.hidden ? "" : i).join("");
        tell("first", place() + " " + output.textContent.startsWith("1 of "));
        input.value = 2; input.dispatchEvent(new Event("input"));
        tell("slid", place() + " " + output.textContent.startsWith("3 of "));
        choose(walk, "1");
        tell("layer", shown(walk, "figure b").map((e) => e.textContent).join());
        shown(walk, "button")[0].focus(); key("ArrowDown");
        tell("down", place() + " " + shown(walk, "figure b").map((e) => e.textContent).join());
        key("ArrowRight");
        tell("right", walk.querySelector("select").selectedOptions[0].textContent);
        """
    guard let told = try told(html, script) else { return }
    #expect(
      told == ["first": "0 true", "slid": "2 true", "layer": "Labels", "down": "3 Labels", "right": "Prediction"])
  }
}
