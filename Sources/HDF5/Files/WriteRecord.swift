import CHDF5Driver

#if canImport(Glibc)
  import Glibc
#elseif canImport(Musl)
  import Musl
#else
  import Darwin
#endif

/// The record of a file's failed writes, which the driver of written files keeps (`checked_driver.h`).
///
/// libhdf5 is never told of a failed write, because it cannot close a file after one. So whoever writes asks this
/// record, after every call and after closing.
final class WriteRecord: @unchecked Sendable {
  /// Shared with the driver; accessed under the library's lock.
  let pointer: UnsafeMutablePointer<chdf5_record>
  /// Whether the driver may still use the record after the last reference, when libhdf5 has not closed the file.
  var isLeaked = false

  init() {
    pointer = .allocate(capacity: 1)
    pointer.initialize(to: chdf5_record())
  }

  deinit {
    if !isLeaked { pointer.deallocate() }
  }

  /// Nothing more is written, the file stays incomplete and is left to the library, which cannot close it for sure.
  func abandon(_ file: Identifier) {
    chdf5_abandon(pointer)
    file.release()
    isLeaked = true
  }

  /// Whether the first failure was that another program holds the file's lock.
  var isLocked: Bool { pointer.pointee.call.map { String(cString: $0) == "flock" } ?? false }

  /// The failure of the first call that failed; nil when none did.
  func failure(at place: Place) -> HDF5Error? {
    let record = pointer.pointee
    guard record.error != 0 else { return nil }
    let call = record.call.map { String(cString: $0) } ?? ""
    var message = "the file could not be written: \(String(cString: strerror(record.error)))"
    if record.error == ENOSPC || record.error == EDQUOT { message += "; make room there" }
    return HDF5Error(.unusableFile, file: place.file, call: call, message)
  }
}
