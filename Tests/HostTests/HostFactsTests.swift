import Testing

@testable import Host

@Suite("HostFacts")
struct HostFactsTests {
  @Test("version 2 groups: the least limit on the way to the root counts")
  func version2() {
    let files = [
      "/proc/self/mounts": "cgroup2 /sys/fs/cgroup cgroup2 rw,nosuid 0 0\n",
      "/proc/self/cgroup": "0::/slurm/job_7/step_0\n",
      "/sys/fs/cgroup/slurm/job_7/step_0/cpu.max": "max 100000\n",
      "/sys/fs/cgroup/slurm/job_7/cpu.max": "350000 100000\n",
      "/sys/fs/cgroup/slurm/cpu.max": "800000 100000\n",
      "/sys/fs/cgroup/slurm/job_7/step_0/memory.max": "max\n",
      "/sys/fs/cgroup/slurm/job_7/memory.max": "8589934592\n",
      "/sys/fs/cgroup/slurm/memory.max": "68719476736\n",
      "/sys/fs/cgroup/slurm/job_7/step_0/cpuset.cpus.effective": "0-2,6\n",
    ]
    let groups = ControlGroups { files[$0] }
    #expect(groups.processorQuota == 3.5)
    #expect(groups.memoryLimit == 8 << 30)
    #expect(groups.cores == [0, 1, 2, 6])
  }

  @Test("version 1 groups: quota over period, and the number next to 2⁶³ is no limit")
  func version1() {
    var files = [
      "/proc/self/mounts": """
      cgroup /sys/fs/cgroup/cpu,cpuacct cgroup rw,cpu,cpuacct 0 0
      cgroup /sys/fs/cgroup/memory cgroup rw,memory 0 0
      cgroup /sys/fs/cgroup/cpuset cgroup rw,cpuset 0 0
      """,
      "/proc/self/cgroup": "4:memory:/docker/abc\n3:cpuset:/\n1:cpu,cpuacct:/docker/abc\n0::/\n",
      "/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us": "150000\n",
      "/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_period_us": "100000\n",
      "/sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": "9223372036854771712\n",
      "/sys/fs/cgroup/cpuset/cpuset.cpus": "4,5\n",
    ]
    var groups = ControlGroups { files[$0] }
    #expect(groups.processorQuota == 1.5)
    #expect(groups.memoryLimit == nil)
    #expect(groups.cores == [4, 5])

    // In a container the group's own path is often not mounted: its root is.
    files["/sys/fs/cgroup/cpu,cpuacct/docker/abc/cpu.cfs_quota_us"] = nil
    files["/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us"] = "-1\n"
    files["/sys/fs/cgroup/memory/memory.limit_in_bytes"] = "1048576\n"
    groups = ControlGroups { files[$0] }
    #expect(groups.processorQuota == nil)
    #expect(groups.memoryLimit == 1 << 20)
  }

  @Test("without control groups there are no limits")
  func none() {
    let groups = ControlGroups { _ in nil }
    #expect(groups.processorQuota == nil)
    #expect(groups.memoryLimit == nil)
    #expect(groups.cores == nil)
  }

  @Test("the kernel's lists of cores and OMP_NUM_THREADS are understood")
  func texts() {
    #expect(HostFacts.coreList("0-3,8,10-11\n") == [0, 1, 2, 3, 8, 10, 11])
    #expect(HostFacts.coreList("\n") == [])
    #expect(HostFacts.coreList("x-2") == [])
    #expect(HostFacts.openMPThreads("4") == 4)
    #expect(HostFacts.openMPThreads(" 4, 2") == 4)
    #expect(HostFacts.openMPThreads("0") == nil)
    #expect(HostFacts.openMPThreads("many") == nil)
    #expect(HostFacts.openMPThreads("") == nil)
    #expect(HostFacts.overlap([0, 1], [1, 2]))
    #expect(!HostFacts.overlap([0, 1], [2, 3]))
  }

  @Test("a processor's name and vector instruction sets are read from the system's description")
  func processor() {
    let (name, sets) = HostFacts.processor(
      cpuInfo:
        "processor\t: 0\nmodel name\t: Some  CPU @ 2GHz\nflags\t\t: fpu avx2 fma sse4_2 avx512f\n\nprocessor\t: 1\n")
    #expect(name == "Some CPU @ 2GHz")
    #expect(sets == ["sse4_2", "fma", "avx2", "avx512f"])
    #expect(HostFacts.processor(cpuInfo: "").name == "unknown")
    #expect(HostFacts.availableMemory(memoryInfo: "MemTotal: 9 kB\nMemAvailable:    1024 kB\n") == 1 << 20)
    #expect(HostFacts.availableMemory(memoryInfo: "") == nil)
    #expect(HostFacts.Memory(controlGroup: 5, addressSpace: nil, available: 3).least == 3)
    #expect(HostFacts.Memory().least == nil)
  }

  @Test("this host has cores, memory and a processor")
  func detect() {
    let facts = HostFacts.detect()
    #expect(!facts.cores.isEmpty)
    #expect(facts.cores == facts.cores.sorted())
    #expect(Set(facts.cores).isSubset(of: facts.allowedCores))
    #expect(facts.memory.available ?? 0 > 1 << 20)
    #expect(!facts.processorName.isEmpty)
    #expect(!facts.instructionSets.isEmpty)
  }
}
