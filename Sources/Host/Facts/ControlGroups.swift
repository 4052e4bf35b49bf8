/// The limits that Linux control groups (version 1, 2 or both) set for this process.
///
/// A group is held by the limits of all groups around it, so each is looked at up to the root of what is mounted. In a
/// container the path that the kernel tells may not be there; then only the mounted root is.
struct ControlGroups {
  /// The processor time granted, in cores.
  let processorQuota: Double?
  /// The memory granted, in bytes.
  let memoryLimit: UInt64?
  /// The cores granted, ascending.
  let cores: [Int]?

  /// - Parameter read: gives a file's text, or `nil`.
  init(read: (String) -> String?) {
    let groups = Self.folders(mounts: read("/proc/self/mounts") ?? "", groups: read("/proc/self/cgroup") ?? "")
    var quotas: [Double] = []
    var limits: [UInt64] = []
    var cores: [Int]?
    for (controller, folders) in groups {
      for folder in folders {
        func number(_ name: String) -> Int64? {
          read("\(folder)/\(name)").flatMap { Int64($0.filter { !$0.isWhitespace }) }
        }
        if controller == "cpu", let quota = number("cpu.cfs_quota_us"), quota > 0,
          let period = number("cpu.cfs_period_us"), period > 0
        {
          quotas.append(Double(quota) / Double(period))
        }
        if controller == "memory", let bytes = number("memory.limit_in_bytes"), bytes > 0 {
          limits.append(UInt64(bytes))
        }
        if controller == "cpuset", cores == nil {
          let text = read("\(folder)/cpuset.effective_cpus") ?? read("\(folder)/cpuset.cpus")
          cores = text.map(HostFacts.coreList).flatMap { $0.isEmpty ? nil : $0 }
        }
        if controller == "" {
          let parts = (read("\(folder)/cpu.max") ?? "").split(whereSeparator: \.isWhitespace)
          if parts.count == 2, let quota = Double(parts[0]), let period = Double(parts[1]), period > 0 {
            quotas.append(quota / period)
          }
          for name in ["memory.max", "memory.high"] {
            if let bytes = number(name), bytes > 0 { limits.append(UInt64(bytes)) }
          }
          if cores == nil {
            cores = read("\(folder)/cpuset.cpus.effective").map(HostFacts.coreList).flatMap { $0.isEmpty ? nil : $0 }
          }
        }
      }
    }
    self.processorQuota = quotas.min()
    // Version 1 writes "no limit" as a number next to 2⁶³.
    self.memoryLimit = limits.filter { $0 < 1 << 62 }.min()
    self.cores = cores
  }

  /// The folders of each controller ("" for version 2), the process's own group first, then those around it.
  static func folders(mounts: String, groups: String) -> [(controller: String, folders: [String])] {
    var mountPoints: [String: String] = [:]
    for line in mounts.split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard fields.count >= 4 else { continue }
      if fields[2] == "cgroup2" { mountPoints[""] = String(fields[1]) }
      if fields[2] == "cgroup" {
        for option in fields[3].split(separator: ",") { mountPoints[String(option)] = String(fields[1]) }
      }
    }
    var result: [(controller: String, folders: [String])] = []
    for line in groups.split(separator: "\n") {
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      for controller in fields[1].split(separator: ",", omittingEmptySubsequences: false) {
        guard let mount = mountPoints[String(controller)] else { continue }
        var parts = fields[2].split(separator: "/")
        var folders: [String] = []
        while !parts.isEmpty {
          folders.append("\(mount)/\(parts.joined(separator: "/"))")
          parts.removeLast()
        }
        result.append((String(controller), folders + [mount]))
      }
    }
    return result
  }
}
