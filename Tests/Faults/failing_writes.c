// Makes one call that writes to files of a folder fail, to see what a program makes of it. For LD_PRELOAD:
//
//   cc -shared -fPIC -o failing_writes.so failing_writes.c -ldl
//   LD_PRELOAD=./failing_writes.so FAULT_FOLDER=/tmp/job FAULT_NUMBER=7 FAULT_KIND=ENOSPC program
//
// FAULT_FOLDER   calls on files in or below this folder are counted, from 1 (an absolute path without links)
// FAULT_NUMBER   the call that fails; 0 or left out: none
// FAULT_KIND     ENOSPC or EIO: it fails with this error; short: a write writes half (other calls fail with EIO);
//                full: it and all later writes fail with ENOSPC, as on a full disk; kill: the process is killed in it
// FAULT_RANK     count only in the process of this MPI rank
// FAULT_COUNT    a file to which the number of calls counted is appended at the end, a line a process
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static atomic_long calls;
static long number;
static const char *kind = "ENOSPC", *folder;
static bool counts;

__attribute__((constructor)) static void start(void) {
  folder = getenv("FAULT_FOLDER");
  const char *text = getenv("FAULT_NUMBER");
  number = text ? atol(text) : 0;
  if (getenv("FAULT_KIND")) kind = getenv("FAULT_KIND");
  const char *rank = getenv("OMPI_COMM_WORLD_RANK"), *wanted = getenv("FAULT_RANK");
  counts = folder && (!wanted || (rank && strcmp(rank, wanted) == 0));
}

__attribute__((destructor)) static void stop(void) {
  const char *name = getenv("FAULT_COUNT");
  if (!counts || !name || calls == 0) return;
  char line[32];
  int length = snprintf(line, sizeof line, "%ld\n", (long)calls);
  int file = open(name, O_WRONLY | O_CREAT | O_APPEND, 0644);
  if (file < 0) return;
  syscall(SYS_write, file, line, (size_t)length);
  close(file);
}

static bool is_below(const char *path) {
  size_t length = strlen(folder);
  return strncmp(path, folder, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static bool is_watched(int file) {
  if (!counts) return false;
  char name[64], path[PATH_MAX];
  snprintf(name, sizeof name, "/proc/self/fd/%d", file);
  ssize_t length = readlink(name, path, sizeof path - 1);
  if (length <= 0) return false;
  path[length] = 0;
  return is_below(path);
}

static bool is_watched_name(const char *name) {
  if (!counts) return false;
  if (name[0] == '/') return is_below(name);
  char path[PATH_MAX];
  return getcwd(path, sizeof path) && is_below(path);
}

/// What becomes of a call that is counted: 0: it is made; 1: half of it is; else the error it fails with.
static int fault(bool writes) {
  long call = atomic_fetch_add(&calls, 1) + 1;
  if (number == 0 || call < number) return 0;
  if (strcmp(kind, "full") == 0) return writes ? ENOSPC : 0;
  if (call > number) return 0;
  if (strcmp(kind, "kill") == 0) raise(SIGKILL);
  if (strcmp(kind, "short") == 0) return writes ? 1 : EIO;
  return strcmp(kind, "EIO") == 0 ? EIO : ENOSPC;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
/// Decides about a call and fails it.
#define DECIDE(watched, writes)                 \
  int decision = (watched) ? fault(writes) : 0; \
  if (decision > 1) {                           \
    errno = decision;                           \
    return -1;                                  \
  }
#define HALF(size) (decision == 1 && (size) > 1 ? (size) / 2 : (size))

ssize_t write(int file, const void *data, size_t size) {
  DECIDE(is_watched(file), true)
  return REAL(write)(file, data, HALF(size));
}
ssize_t pwrite(int file, const void *data, size_t size, off_t offset) {
  DECIDE(is_watched(file), true)
  return REAL(pwrite)(file, data, HALF(size), offset);
}
ssize_t pwrite64(int file, const void *data, size_t size, off64_t offset) {
  DECIDE(is_watched(file), true)
  return REAL(pwrite64)(file, data, HALF(size), offset);
}
ssize_t writev(int file, const struct iovec *parts, int count) {
  DECIDE(is_watched(file), true)
  if (decision == 1) return REAL(write)(file, parts[0].iov_base, HALF(parts[0].iov_len));
  return REAL(writev)(file, parts, count);
}
ssize_t pwritev(int file, const struct iovec *parts, int count, off_t offset) {
  DECIDE(is_watched(file), true)
  if (decision == 1) return REAL(pwrite)(file, parts[0].iov_base, HALF(parts[0].iov_len), offset);
  return REAL(pwritev)(file, parts, count, offset);
}
ssize_t pwritev64(int file, const struct iovec *parts, int count, off64_t offset) {
  DECIDE(is_watched(file), true)
  if (decision == 1) return REAL(pwrite64)(file, parts[0].iov_base, HALF(parts[0].iov_len), offset);
  return REAL(pwritev64)(file, parts, count, offset);
}
ssize_t copy_file_range(int from, off64_t *from_offset, int to, off64_t *to_offset, size_t size, unsigned flags) {
  DECIDE(is_watched(to), true)
  return REAL(copy_file_range)(from, from_offset, to, to_offset, HALF(size), flags);
}
ssize_t sendfile(int to, int from, off_t *offset, size_t size);
ssize_t sendfile(int to, int from, off_t *offset, size_t size) {
  DECIDE(is_watched(to), true)
  return REAL(sendfile)(to, from, offset, HALF(size));
}
ssize_t sendfile64(int to, int from, off64_t *offset, size_t size);
ssize_t sendfile64(int to, int from, off64_t *offset, size_t size) {
  DECIDE(is_watched(to), true)
  return REAL(sendfile64)(to, from, offset, HALF(size));
}
int fsync(int file) {
  DECIDE(is_watched(file), false)
  return REAL(fsync)(file);
}
int fdatasync(int file) {
  DECIDE(is_watched(file), false)
  return REAL(fdatasync)(file);
}
int ftruncate(int file, off_t length) {
  DECIDE(is_watched(file), true)
  return REAL(ftruncate)(file, length);
}
int ftruncate64(int file, off64_t length) {
  DECIDE(is_watched(file), true)
  return REAL(ftruncate64)(file, length);
}
int rename(const char *from, const char *to) {
  DECIDE(is_watched_name(to), false)
  return REAL(rename)(from, to);
}
int renameat(int from_folder, const char *from, int to_folder, const char *to) {
  DECIDE(is_watched_name(to), false)
  return REAL(renameat)(from_folder, from, to_folder, to);
}
int renameat2(int from_folder, const char *from, int to_folder, const char *to, unsigned flags) {
  DECIDE(is_watched_name(to), false)
  return REAL(renameat2)(from_folder, from, to_folder, to, flags);
}
