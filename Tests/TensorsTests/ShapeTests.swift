import Tensors
import Testing

@Suite("Shape and Tensor")
struct ShapeTests {
  @Test("a shape knows its count, its strides and its description")
  func shape() {
    let shape: Shape = [2, 3, 4]
    #expect(shape.elementCount == 24)
    #expect(shape.strides == [12, 4, 1])
    #expect(shape.description == "[2, 3, 4]")
    #expect(shape.rank == 3)
    #expect(Shape([]).elementCount == 1)
    #expect(Shape([3, 0]).elementCount == 0)
  }

  @Test("the offsets of all indices in order are 0, 1, 2, …")
  func offsets() {
    let shape: Shape = [2, 3, 4]
    var offsets: [Int] = []
    for z in 0..<2 { for y in 0..<3 { for x in 0..<4 { offsets.append(shape.offset(of: [z, y, x])) } } }
    #expect(offsets == Array(0..<24))
  }

  @Test("a tensor is a row-major value")
  func tensor() {
    let a = Tensor(shape: [2, 3], elements: [0, 1, 2, 3, 4, 5])
    var b = a
    b[1, 2] = 50
    #expect(a[1, 2] == 5)
    #expect(b.elements == [0, 1, 2, 3, 4, 50])
    #expect(a.reshaped(to: [3, 2])[2, 0] == 4)
    #expect(a.map { Float($0) / 2 }[1, 1] == 2)
    #expect(Tensor(shape: [2, 2], repeating: 7).elements == [7, 7, 7, 7])
  }

  @Test("an index outside its axis is refused")
  func outside() async {
    await #expect(processExitsWith: .failure) {
      _ = Tensor(shape: [2, 3], elements: [0, 1, 2, 3, 4, 5])[0, 3]
    }
  }
}

@Suite("AlignedBuffer")
struct AlignedBufferTests {
  @Test("a buffer is zeroed and aligned to 64 bytes, from 2 MiB on to 2 MiB", arguments: [0, 1, 17, 1 << 19, 3 << 18])
  func alignment(count: Int) {
    let buffer = AlignedBuffer<Float>(count: count)
    let alignment = count * 4 >= 2 << 20 ? 2 << 20 : 64
    #expect(Int(bitPattern: buffer.pointer) % alignment == 0)
    #expect(buffer.count == count)
    #expect(buffer.buffer.allSatisfy { $0 == 0 })
    for i in 0..<count { buffer.pointer[i] = Float(i) }
    #expect(buffer.buffer.enumerated().allSatisfy { Float($0.offset) == $0.element })
  }
}
