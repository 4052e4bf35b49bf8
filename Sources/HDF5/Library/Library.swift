import CHDF5

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The lock around libhdf5, and its start.
///
/// The library is often built without thread safety, so all calls are made under one lock. It is recursive: a public
/// function holds it from its first library call to its last, because the error stack is global, and may call other
/// public functions.
public enum Library {
  private static let mutex = RecursiveMutex()

  /// Starts the library once and turns its printing off: `HDF5Error` carries its messages.
  private static let opened: Bool = {
    // At the end of the process the library would close the files that were abandoned.
    H5dont_atexit() >= 0 && H5open() >= 0 && H5Eset_auto2(chdf5_error_stack(), nil, nil) >= 0
  }()

  /// Runs `body` under the lock.
  static func locked<Result>(_ body: () throws -> Result) rethrows -> Result {
    mutex.lock()
    defer { mutex.unlock() }
    return try body()
  }

  /// Starts the library. A program that uses MPI does so before it starts that: where MPI is there already, its end ends the
  /// library too, with the files that were abandoned after a failed write.
  ///
  /// - Throws: `HDF5Error` when it could not be started.
  public static func open() throws {
    guard opened else {
      throw HDF5Error(.call, file: "", call: "H5open", "the HDF5 library could not be started")
    }
  }

  /// The error stack of the call that failed, innermost call first; it is cleared.
  static func takeErrorStack() -> [String] {
    final class Lines { var all: [String] = [] }
    let lines = Lines()
    _ = withExtendedLifetime(lines) {
      H5Ewalk2(
        chdf5_error_stack(), H5E_WALK_UPWARD,
        { _, entry, data in
          guard let entry, let data else { return 0 }
          let function = entry.pointee.func_name.map { String(cString: $0) } ?? "?"
          let text = entry.pointee.desc.map { String(cString: $0) } ?? "no description"
          Unmanaged<Lines>.fromOpaque(data).takeUnretainedValue().all.append("\(function): \(text)")
          return 0
        }, Unmanaged.passUnretained(lines).toOpaque())
    }
    H5Eclear2(chdf5_error_stack())
    return lines.all
  }
}

/// A recursive mutex.
private final class RecursiveMutex: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)

  init() {
    var attributes = pthread_mutexattr_t()
    var code = pthread_mutexattr_init(&attributes)
    code |= pthread_mutexattr_settype(&attributes, Int32(PTHREAD_MUTEX_RECURSIVE))
    code |= pthread_mutex_init(mutex, &attributes)
    code |= pthread_mutexattr_destroy(&attributes)
    precondition(code == 0, "no mutex could be made")
  }

  deinit {
    pthread_mutex_destroy(mutex)
    mutex.deallocate()
  }

  func lock() {
    let code = pthread_mutex_lock(mutex)
    precondition(code == 0, "pthread_mutex_lock failed")
  }

  func unlock() {
    let code = pthread_mutex_unlock(mutex)
    precondition(code == 0, "pthread_mutex_unlock failed")
  }
}
