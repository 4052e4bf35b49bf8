import Foundation
import TestSupport
import Testing

/// Hosts of their own names and addresses on this machine: network name spaces that are joined by a bridge.
struct NetworkHosts {
  private let ip: String
  private let prefix: String
  private let names: [String]
  private let agent: String

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
    ] + arguments
  }

  func remove() {
    for name in names {
      _ = try? EndToEnd.execute([ip, "netns", "delete", name])
      try? FileManager.default.removeItem(atPath: "/etc/netns/\(name)")
    }
    _ = try? EndToEnd.execute([ip, "link", "delete", prefix + "b"])
    try? FileManager.default.removeItem(atPath: agent)
  }
}
