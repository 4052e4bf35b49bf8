// A file driver of libhdf5 (its "virtual file layer") for files that are written.
//
// When a write fails inside libhdf5, its caches cannot be closed any more: it crashes, or loses the failure. This driver
// keeps such failures from the library. Every call of the operating system is checked, short writes are continued, and
// the first failure is kept in a record that the caller owns and looks at. The library is told that all went well, so
// that it goes on as usual; nothing is written after the first failure, but what would have been is read back.
#pragma once
#include <hdf5.h>
#include <stdbool.h>
#include <stdint.h>

/// What happened to a file that is written with the driver. It outlives the file.
struct chdf5_record {
  /// The system's code (`errno`) of the first call that failed; 0: none did.
  int error;
  /// The name of that call; NULL: none failed.
  const char *call;
  /// Set by `chdf5_abandon`: nothing more is written.
  bool abandoned;
  /// The driver's open file; NULL when it is closed.
  void *file;
  /// Set by the caller: data of datasets get their place in the file, but are not written; somebody else does.
  bool placing;
  /// The place of the last data that were not written because of `placing`: the offset in the file, and the bytes.
  uint64_t place_offset, place_bytes;
};

/// Makes a file access property list use the driver. Returns a negative number when libhdf5 cannot.
herr_t chdf5_set_checked_driver(hid_t access, struct chdf5_record *record);

/// Gives a file up: nothing more is written, its lock is given back, and another file of its name is another file to the
/// library. It must not be closed: libhdf5 cannot close every file whose writing ended in the middle.
void chdf5_abandon(struct chdf5_record *record);
