/// Names one element of a `Table`. Each kind of element has a type of its own, so that a stage's number cannot be used for a
/// buffer.
struct TableIndex<Kind>: Hashable, Comparable, Sendable {
  let number: Int

  @inline(__always)
  init(_ number: Int) { self.number = number }

  @inline(__always)
  static func < (left: Self, right: Self) -> Bool { left.number < right.number }
  @inline(__always)
  static func == (left: Self, right: Self) -> Bool { left.number == right.number }
  /// The index after this one.
  @inline(__always)
  var next: Self { Self(number + 1) }
}

/// A step of a plan.
typealias StepID = TableIndex<Step>
/// A stage of a plan: product, normalization and activation.
typealias StageID = TableIndex<Stage>
/// A buffer of a plan's arena.
typealias BufferID = TableIndex<Plan.Buffer>
/// A set of products that minimal filtering computes together.
typealias FilterSetID = TableIndex<FilterSet>
/// A value that the compiler places: that of the graph's node with the same number, or a copy made by the compiler.
typealias ValueID = TableIndex<PlanCompiler.Value>

/// Stages that need not follow each other: a range of the plan's `listedStages`.
struct StageList {
  var entries: Range<Int>
}

/// Consecutive indices of a table. Unlike a `Range`, it is iterated without taking memory in debug builds too.
struct Indices<Kind>: Sequence, Sendable {
  typealias Index = TableIndex<Kind>
  var lowerBound: Index
  var upperBound: Index

  /// - Parameter upperBound: not included.
  @inline(__always)
  init(_ lowerBound: Index, to upperBound: Index) {
    self.lowerBound = lowerBound
    self.upperBound = upperBound
  }

  /// One index alone.
  @inline(__always)
  init(_ index: Index) { self.init(index, to: index.next) }

  @inline(__always)
  var count: Int { upperBound.number - lowerBound.number }
  @inline(__always)
  var isEmpty: Bool { count == 0 }
  @inline(__always)
  var last: Index? { isEmpty ? nil : Index(upperBound.number - 1) }

  @inline(__always)
  func makeIterator() -> Iterator { Iterator(number: lowerBound.number, end: upperBound.number, step: 1) }
  @inline(__always)
  func reversed() -> Reversed { Reversed(indices: self) }

  struct Iterator: IteratorProtocol {
    var number: Int
    let end: Int
    let step: Int

    @inline(__always)
    mutating func next() -> Index? {
      guard number != end else { return nil }
      defer { number += step }
      return Index(number)
    }
  }

  /// The same indices from the last to the first.
  struct Reversed: Sequence {
    let indices: Indices

    @inline(__always)
    func makeIterator() -> Iterator {
      Iterator(number: indices.upperBound.number - 1, end: indices.lowerBound.number - 1, step: -1)
    }
  }
}

/// An array whose indices are those of one kind.
struct Table<Kind, Element>: Sequence {
  typealias Index = TableIndex<Kind>
  private var elements: [Element] = []

  init() {}

  init(_ elements: [Element]) { self.elements = elements }

  init(repeating element: Element, count: Int) { elements = Array(repeating: element, count: count) }

  @inline(__always)
  var count: Int { elements.count }
  @inline(__always)
  var endIndex: Index { Index(elements.count) }
  @inline(__always)
  var indices: Indices<Kind> { Indices(Index(0), to: endIndex) }

  func makeIterator() -> IndexingIterator<[Element]> { elements.makeIterator() }

  subscript(index: Index) -> Element {
    @inline(__always)
    get { elements[index.number] }
    @inline(__always)
    _modify { yield &elements[index.number] }
  }

  subscript(indices: Indices<Kind>) -> ArraySlice<Element> {
    elements[indices.lowerBound.number..<indices.upperBound.number]
  }

  /// Appends an element and returns its index.
  @discardableResult
  mutating func append(_ element: Element) -> Index {
    elements.append(element)
    return Index(elements.count - 1)
  }
}

extension Table: Sendable where Element: Sendable {}
