import Foundation
import TestSupport
import Testing

/// Hosts of their own names and addresses on this machine: network name spaces that are joined by a bridge.
struct NetworkHosts {
  private let ip: String
  private let prefix: String
  let names: [String]
  private let agent: String

  /// Makes the hosts; nil, which is told, when the system does not let it.
  static func make(_ count: Int) -> NetworkHosts? {
    let ip = program("ip") ?? (FileManager.default.isExecutableFile(atPath: "/usr/sbin/ip") ? "/usr/sbin/ip" : nil)
    let hosts = getuid() == 0 ? ip.flatMap { NetworkHosts($0, count: count) } : nil
    return Requirement.netns.holds(hosts != nil, "\(count) hosts") ? hosts : nil
  }

  /// Makes the hosts; nil when the system does not let it.
  init?(_ ip: String, count: Int) {
    self.ip = ip
    prefix = "tt\(getpid() % 100_000)"
    let prefix = prefix
    names = (0..<count).map { "\(prefix)h\($0)" }
    agent = EndToEnd.folder + "/" + prefix + "-agent"
    let net = 100 + Int(getpid()) % 100
    func run(_ words: String) -> Bool {
      let ended = try? EndToEnd.execute([ip] + words.split(separator: " ").map(String.init))
      return ended?.status == 0
    }
    // mpirun itself runs in the first host; it reaches the others by the agent, which takes the place of ssh.
    var works = run("link add \(prefix)b type bridge") && run("link set \(prefix)b up")
    for (index, name) in names.enumerated() where works {
      works =
        run("netns add \(name)") && run("link add \(prefix)v\(index) type veth peer name eth0 netns \(name)")
        && run("link set \(prefix)v\(index) master \(prefix)b") && run("link set \(prefix)v\(index) up")
        && run("-n \(name) addr add 10.\(net).77.\(index + 1)/24 dev eth0") && run("-n \(name) link set eth0 up")
        && run("-n \(name) link set lo up")
    }
    let hostNames = names.enumerated().map { "10.\(net).77.\($0 + 1) \($1)" }.joined(separator: "\n")
    let script = """
      #!/bin/sh
      # agent HOST COMMAND…: what ssh would do.
      host=$1; shift
      exec \(ip) netns exec "$host" unshare -u sh -c 'hostname "$0"; exec sh -c "$*"' "$host" "$@"

      """
    works =
      works && (try? script.write(toFile: agent, atomically: true, encoding: .utf8)) != nil
      && chmod(agent, 0o755) == 0
    for name in names where works {
      // Seen as /etc/hosts within the name space.
      let folder = "/etc/netns/\(name)"
      works =
        (try? FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)) != nil
        && (try? ("127.0.0.1 localhost\n" + hostNames + "\n").write(
          toFile: folder + "/hosts", atomically: true, encoding: .utf8)) != nil
    }
    if !works {
      remove()
      return nil
    }
  }

  /// A command that runs a program with one rank on each host.
  func command(_ mpirun: String, _ arguments: [String]) -> [String] {
    [
      agent, names[0], mpirun, "-n", "\(names.count)", "--host", names.map { $0 + ":1" }.joined(separator: ","),
      "--bind-to", "none", "--mca", "plm", "rsh", "--mca", "plm_rsh_agent", agent, "--mca", "btl", "tcp,self", "--mca",
      "pml", "ob1", "--mca", "btl_tcp_if_include", "eth0", "--mca", "oob_tcp_if_include", "eth0",
      // As in slurm/launch.sh, but sooner.
      "--mca", "oob_tcp_keepalive_time", "2", "--mca", "oob_tcp_keepalive_intvl", "1", "--mca",
      "oob_tcp_keepalive_probes", "2",
    ] + arguments
  }

  /// Plugs a host's network in, and waits until the first host reaches it, or out.
  func connect(_ host: Int, _ isConnected: Bool) throws {
    let ended = try EndToEnd.execute([ip, "link", "set", "\(prefix)v\(host)", isConnected ? "up" : "down"])
    try #require(ended.status == 0, "\(ended.errors)")
    guard isConnected else { return }
    // Nobody listens: a host that is reached refuses.
    let knock = "exec timeout 1 bash -c 'echo > /dev/tcp/\(names[host])/9'"
    var answer = ""
    for _ in 0..<100 {
      answer = try EndToEnd.execute([agent, names[0], knock]).errors
      if answer.contains("refused") { return }
      usleep(100_000)
    }
    Issue.record("\(names[host]) is not reached again: \(answer)")
  }

  /// The processes that run on a host.
  func processes(_ host: Int) -> [Int32] {
    let ended = try? EndToEnd.execute([ip, "netns", "pids", names[host]])
    return (ended?.output ?? "").split(separator: "\n").compactMap { Int32($0) }
  }

  func remove() {
    for (host, name) in names.enumerated() {
      for process in processes(host) { kill(process, SIGKILL) }
      _ = try? EndToEnd.execute([ip, "netns", "delete", name])
      try? FileManager.default.removeItem(atPath: "/etc/netns/\(name)")
    }
    _ = try? EndToEnd.execute([ip, "link", "delete", prefix + "b"])
    try? FileManager.default.removeItem(atPath: agent)
  }
}
