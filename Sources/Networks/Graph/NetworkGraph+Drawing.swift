extension NetworkGraph {
  /// The network in Graphviz's language, for `dot -Tsvg`: a box for each node with its operation and its value's shape,
  /// an arrow for each value that is read. Frozen nodes are dashed; tapped values have a double border.
  ///
  /// - Parameter extents: of an image, by which shapes are counted.
  /// - Throws: `NetworkError` when the image does not fit.
  public func dot(name: String, extents: [Int]) throws(NetworkError) -> String {
    let shapes = try shapes(extents: extents)
    let tapped = Set(taps.values)
    var lines = [
      "digraph \(Self.quoted(name)) {", "  rankdir=TB;",
      "  node [shape=box, fontname=\"sans-serif\", fontsize=10];",
    ]
    for (id, node) in nodes.enumerated() {
      let text = "\(node.name)\n\(Self.detail(of: node.operation))\n\(shapes[id])"
      let styles =
        (node.isTrainable ? [] : ["style=dashed"]) + (tapped.contains(id) || id == output ? ["peripheries=2"] : [])
      lines.append("  n\(id) [\((["label=\(Self.quoted(text))"] + styles).joined(separator: ", "))];")
    }
    for (id, node) in nodes.enumerated() { lines += node.inputs.map { "  n\($0) -> n\(id);" } }
    return (lines + ["}"]).joined(separator: "\n") + "\n"
  }

  /// An operation with the settings by which drawings tell it from others.
  private static func detail(of operation: Operation) -> String {
    switch operation {
    case .convolution(let c):
      let dilation = c.dilation == 1 ? "" : ", dilation \(c.dilation)"
      let stride = c.stride == 1 ? "" : ", stride \(c.stride)"
      return "convolution \(c.kernel)\(dilation)\(stride)"
    case .transposedConvolution(let c): return "transposed convolution \(c.kernel), stride \(c.stride)"
    case .maxPooling(let p): return "max pooling \(p.kernel)"
    case .dropout(let rate): return "dropout \(rate)"
    default: return operation.label
    }
  }

  private static func quoted(_ text: String) -> String {
    let escaped = text.map { character -> String in
      switch character {
      case "\"": "\\\""
      case "\\": "\\\\"
      case "\n": "\\n"
      default: String(character)
      }
    }
    return "\"" + escaped.joined() + "\""
  }
}
