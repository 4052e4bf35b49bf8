import Host

/// The sizes, boxes and centroids of many objects, each a list.
public struct InstanceColumns: Hashable, Sendable {
  /// Of each object the number of its voxels.
  public private(set) var voxels: [Int] = []
  /// `[object, axis, end]`: the least and the largest index along z, y and x.
  public private(set) var boxes: [Int32] = []
  /// `[object, axis]`: the mean of the voxels' indices along z, y and x.
  public private(set) var centroids: [Double] = []

  /// Of no object.
  init() {}

  /// Of all of some objects.
  init(_ records: InstanceRecords) {
    let count = records.small.count
    boxes = Array(unsafeUninitializedCapacity: 6 * count) { boxes, boxCount in
      centroids = Array(unsafeUninitializedCapacity: 3 * count) { centroids, centroidCount in
        voxels = Array(unsafeUninitializedCapacity: count) { voxels, voxelCount in
          boxes.useHugePages()
          centroids.useHugePages()
          voxels.useHugePages()
          for object in 0..<count {
            let (size, low, high, mean) = records.measures(object)
            voxels.initializeElement(at: object, to: size)
            for axis in 0..<3 {
              boxes.initializeElement(at: 6 * object + 2 * axis, to: low[axis])
              boxes.initializeElement(at: 6 * object + 2 * axis + 1, to: high[axis])
              centroids.initializeElement(at: 3 * object + axis, to: mean[axis])
            }
          }
          voxelCount = count
        }
        centroidCount = 3 * count
      }
      boxCount = 6 * count
    }
  }
}
