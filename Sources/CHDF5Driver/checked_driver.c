#define _GNU_SOURCE
#include "checked_driver.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#if H5_VERSION_GE(1, 13, 0)
#include <H5FDdevelop.h>
#endif

/// The most bytes of one call: some systems refuse more than fit in 31 bits.
#define LARGEST ((size_t)1 << 30)

/// The parameters of an open file in its access list.
struct parameters {
  struct chdf5_record *record;
};

/// Of data of datasets, the most bytes of a write that are kept when they cannot be written.
#define LARGEST_KEPT ((size_t)1 << 20)

/// Bytes that were not written after a failure. The library reads them back as if they were in the file: metadata that it
/// believes to have written and cannot decode would make it crash when it closes.
struct kept {
  struct kept *next;
  haddr_t address;
  size_t size;
  char bytes[];
};

/// An open file. The library's part comes first.
struct checked_file {
  H5FD_t library;
  int descriptor;
  struct chdf5_record *record;
  /// The end of the allocated part, and that of what is in the file.
  haddr_t allocated, end;
  /// What was not written, in the order of the writes.
  struct kept *first_kept, *last_kept;
  dev_t device;
  ino_t node;
};

static struct checked_file *checked(H5FD_t *file) { return (struct checked_file *)file; }
static const struct checked_file *checked_const(const H5FD_t *file) { return (const struct checked_file *)file; }

/// Keeps the first failure.
static void fail(struct chdf5_record *record, const char *call, int error) {
  if (record->error != 0) return;
  record->error = error;
  record->call = call;
}

static H5FD_t *driver_open(const char *name, unsigned flags, hid_t access, haddr_t limit) {
  (void)limit;
  const struct parameters *parameters = H5Pget_driver_info(access);
  if (!parameters) return NULL;
  int mode = (flags & H5F_ACC_RDWR) ? O_RDWR : O_RDONLY;
  if (flags & H5F_ACC_TRUNC) mode |= O_TRUNC;
  if (flags & H5F_ACC_CREAT) mode |= O_CREAT;
  if (flags & H5F_ACC_EXCL) mode |= O_EXCL;
  int descriptor = open(name, mode | O_CLOEXEC, 0666);
  if (descriptor < 0) {
    fail(parameters->record, "open", errno);
    return NULL;
  }
  struct stat status;
  struct checked_file *file = calloc(1, sizeof *file);
  if (!file || fstat(descriptor, &status) != 0) {
    fail(parameters->record, "fstat", file ? errno : ENOMEM);
    free(file);
    close(descriptor);
    return NULL;
  }
  // The library tries to open a new file before it creates it.
  parameters->record->error = 0;
  parameters->record->call = NULL;
  parameters->record->file = file;
  file->descriptor = descriptor;
  file->record = parameters->record;
  file->end = (haddr_t)status.st_size;
  file->device = status.st_dev;
  file->node = status.st_ino;
  return &file->library;
}

static herr_t driver_close(H5FD_t *base) {
  struct checked_file *file = checked(base);
  // Network file systems report failed writes here. After EINTR the descriptor is closed on Linux.
  if (close(file->descriptor) != 0 && errno != EINTR) fail(file->record, "close", errno);
  file->record->file = NULL;
  for (struct kept *kept = file->first_kept, *next; kept; kept = next) {
    next = kept->next;
    free(kept);
  }
  free(file);
  return 0;
}

static int driver_compare(const H5FD_t *a, const H5FD_t *b) {
  const struct checked_file *x = checked_const(a), *y = checked_const(b);
  if (x->record->abandoned || y->record->abandoned) return x == y ? 0 : x < y ? -1 : 1;
  if (x->device != y->device) return x->device < y->device ? -1 : 1;
  if (x->node != y->node) return x->node < y->node ? -1 : 1;
  return 0;
}

static herr_t driver_query(const H5FD_t *file, unsigned long *features) {
  (void)file;
  if (features)
    *features = H5FD_FEAT_AGGREGATE_METADATA | H5FD_FEAT_ACCUMULATE_METADATA | H5FD_FEAT_DATA_SIEVE |
                H5FD_FEAT_AGGREGATE_SMALLDATA | H5FD_FEAT_DEFAULT_VFD_COMPATIBLE;
  return 0;
}

static haddr_t driver_get_allocated(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return checked_const(file)->allocated;
}

static herr_t driver_set_allocated(H5FD_t *file, H5FD_mem_t type, haddr_t address) {
  (void)type;
  checked(file)->allocated = address;
  return 0;
}

static haddr_t driver_get_end(const H5FD_t *file, H5FD_mem_t type) {
  (void)type;
  return checked_const(file)->end;
}

/// Keeps bytes that are not written.
static void keep(struct checked_file *file, H5FD_mem_t type, haddr_t address, const char *source, size_t size) {
  if (size == 0 || (type == H5FD_MEM_DRAW && size > LARGEST_KEPT)) return;
  struct kept *kept = malloc(sizeof *kept + size);
  if (!kept) return;
  kept->next = NULL;
  kept->address = address;
  kept->size = size;
  memcpy(kept->bytes, source, size);
  if (file->last_kept)
    file->last_kept->next = kept;
  else
    file->first_kept = kept;
  file->last_kept = kept;
}

/// Puts what was not written over what was read.
static void overlay(const struct checked_file *file, haddr_t address, char *target, size_t size) {
  for (const struct kept *kept = file->first_kept; kept; kept = kept->next) {
    haddr_t first = kept->address > address ? kept->address : address;
    haddr_t end = kept->address + kept->size < address + size ? kept->address + kept->size : address + size;
    if (first < end) memcpy(target + (first - address), kept->bytes + (first - kept->address), end - first);
  }
}

static herr_t driver_read(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size, void *buffer) {
  (void)type, (void)transfer;
  struct checked_file *file = checked(base);
  char *target = buffer;
  const haddr_t start = address;
  const size_t wanted = size;
  while (size > 0) {
    ssize_t count = pread(file->descriptor, target, size < LARGEST ? size : LARGEST, (off_t)address);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    if (count == 0) {
      // What is allocated but not written yet reads as zero.
      memset(target, 0, size);
      break;
    }
    target += count;
    address += (haddr_t)count;
    size -= (size_t)count;
  }
  overlay(file, start, buffer, wanted);
  return 0;
}

static herr_t driver_write(H5FD_t *base, H5FD_mem_t type, hid_t transfer, haddr_t address, size_t size,
                           const void *buffer) {
  (void)transfer;
  struct checked_file *file = checked(base);
  struct chdf5_record *record = file->record;
  if (address + size > file->end) file->end = address + size;
  if (record->placing && type == H5FD_MEM_DRAW) {
    record->place_offset = address;
    record->place_bytes = size;
    return 0;
  }
  const char *source = buffer;
  while (size > 0 && record->error == 0 && !record->abandoned) {
    ssize_t count = pwrite(file->descriptor, source, size < LARGEST ? size : LARGEST, (off_t)address);
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) {
      fail(record, "pwrite", count < 0 ? errno : EIO);
      break;
    }
    source += count;
    address += (haddr_t)count;
    size -= (size_t)count;
  }
  keep(file, type, address, source, size);
  return 0;
}

static herr_t driver_truncate(H5FD_t *base, hid_t transfer, hbool_t closing) {
  (void)transfer, (void)closing;
  struct checked_file *file = checked(base);
  if (file->end == file->allocated || file->record->error != 0 || file->record->abandoned) return 0;
  if (ftruncate(file->descriptor, (off_t)file->allocated) != 0) fail(file->record, "ftruncate", errno);
  file->end = file->allocated;
  return 0;
}

static herr_t driver_lock(H5FD_t *base, hbool_t exclusive) {
  struct checked_file *file = checked(base);
  if (flock(file->descriptor, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB) == 0) return 0;
  // Some file systems have no locks.
  if (errno == ENOSYS || errno == EOPNOTSUPP) return 0;
  fail(file->record, "flock", errno);
  return -1;
}

static herr_t driver_unlock(H5FD_t *base) {
  // A lock that stays ends with the descriptor.
  (void)flock(checked(base)->descriptor, LOCK_UN);
  return 0;
}

static const H5FD_class_t driver_class = {
#if H5_VERSION_GE(1, 13, 0)
    .version = H5FD_CLASS_VERSION,
    .value = (H5FD_class_value_t)(H5_VFD_RESERVED + 271),
#endif
    .name = "tutti_checked",
    .maxaddr = ((haddr_t)1 << 62) - 1,
    .fc_degree = H5F_CLOSE_WEAK,
    .fapl_size = sizeof(struct parameters),
    .open = driver_open,
    .close = driver_close,
    .cmp = driver_compare,
    .query = driver_query,
    .get_eoa = driver_get_allocated,
    .set_eoa = driver_set_allocated,
    .get_eof = driver_get_end,
    .read = driver_read,
    .write = driver_write,
    .truncate = driver_truncate,
    .lock = driver_lock,
    .unlock = driver_unlock,
    .fl_map = H5FD_FLMAP_DICHOTOMY,
};

herr_t chdf5_set_checked_driver(hid_t access, struct chdf5_record *record) {
  static hid_t driver = -1;
  if (driver < 0) driver = H5FDregister(&driver_class);
  struct parameters parameters = {record};
  return driver < 0 ? -1 : H5Pset_driver(access, driver, &parameters);
}

void chdf5_abandon(struct chdf5_record *record) {
  record->abandoned = true;
  struct checked_file *file = record->file;
  // It is still read while the library closes objects in it.
  if (file) (void)flock(file->descriptor, LOCK_UN);
}
