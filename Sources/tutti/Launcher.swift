import ArgumentParser
import Foundation
import MessagePassing

#if canImport(Glibc)
  import Glibc
#endif

/// Starts the program under `mpirun`, with the right binding, for those who do not know it, and hands signals on.
enum Launcher {
  /// Runs `mpirun -n RANKS` of the same command without `--ranks`, and ends as it does.
  ///
  /// When `mpirun` is asked to end, it gives its ranks a second (`odls_base_sigkill_timeout` of Open MPI 4), and waits as
  /// long again after every failure. So that time stays as it is, and signals that stop a run reach `mpirun` as
  /// `SIGUSR1`, which it hands on to the ranks at once.
  ///
  /// - Throws: when ranks are running already, or `mpirun` cannot be started.
  static func relaunch(ranks: Int, stopping: StopOptions?) throws -> Never {
    let environment = ProcessInfo.processInfo.environment
    guard environment["OMPI_COMM_WORLD_SIZE"] == nil, environment["PMIX_RANK"] == nil else {
      throw ValidationError("--ranks starts mpirun itself; leave it out under mpirun or srun.")
    }
    if getuid() == 0 {
      // Open MPI refuses root unless told twice; who calls this as root means it.
      setenv("OMPI_ALLOW_RUN_AS_ROOT", "1", 0)
      setenv("OMPI_ALLOW_RUN_AS_ROOT_CONFIRM", "1", 0)
    }
    // Rank 0 writes to mpirun, not to the terminal that mpirun hands it on to.
    if Terminal.isThere { setenv(Terminal.variable, "\(Terminal.width)", 1) }
    MPI.removeAbandonedRuns()
    let program =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? CommandLine.arguments[0]
    var command = ["mpirun", "-n", "\(ranks)", "--bind-to", "none", "--oversubscribe"]
    command += [program] + arguments(without: ["--ranks"] + (stopping == nil ? [] : ["--stop-signal"]))
    // So that mpirun does not outlive this process, where the system has it (util-linux).
    if access("/usr/bin/setpriv", X_OK) == 0 { command = ["/usr/bin/setpriv", "--pdeathsig", "TERM"] + command }
    let heard = [SIGTERM, SIGINT, SIGHUP, SIGUSR2, SIGCHLD] + (stopping.map { [$0.number] } ?? [])
    var signals = sigset_t()
    sigemptyset(&signals)
    for number in heard { sigaddset(&signals, number) }
    pthread_sigmask(SIG_BLOCK, &signals, nil)
    let child = try spawn(command)
    var interruptions = 0
    while true {
      var number: CInt = 0
      guard sigwait(&signals, &number) == 0 else { continue }
      switch number {
      case SIGCHLD:
        var status: CInt = 0
        guard waitpid(child, &status, WNOHANG) == child else { continue }
        let ending = status & 0x7f
        exit(ending == 0 ? (status >> 8) & 0xff : ending == 0x7f ? 1 : 128 + ending)
      case SIGUSR2 where stopping?.number != SIGUSR2: kill(child, SIGUSR2)
      default:
        if number == SIGINT { interruptions += 1 }
        kill(child, stopping == nil || interruptions > 1 ? SIGTERM : SIGUSR1)
      }
    }
  }

  /// Starts a program in a process group of its own, so that a terminal's Ctrl-C reaches this process alone.
  private static func spawn(_ command: [String]) throws -> pid_t {
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
    var files = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&files)
    defer { posix_spawn_file_actions_destroy(&files) }
    posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0)
    var pointers = command.map { strdup($0) } + [nil]
    defer { for pointer in pointers { free(pointer) } }
    var child = pid_t()
    let code = posix_spawnp(&child, command[0], &files, &attributes, &pointers, environ)
    guard code == 0 else {
      throw ValidationError(
        "mpirun cannot be started: \(String(cString: strerror(code))). Install Open MPI (apt install openmpi-bin), "
          + "or leave --ranks out to run on one rank.")
    }
    return child
  }

  /// The command's arguments without some options that take a value.
  private static func arguments(without options: [String]) -> [String] {
    var result: [String] = []
    var skip = false
    for argument in CommandLine.arguments.dropFirst() {
      if skip {
        skip = false
      } else if options.contains(argument) {
        skip = true
      } else if !options.contains(where: { argument.hasPrefix($0 + "=") }) {
        result.append(argument)
      }
    }
    return result
  }
}
