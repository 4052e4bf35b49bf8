// Preloaded into a program: reads of files whose path contains FAIL_READS_OF fail with EIO from the FAIL_READS_FROM-th on.
// With FAIL_READS_KIND=term the process gets SIGTERM before that read instead, which it may heed when it likes, and none fails.
// With FAIL_READS_COUNT the number of such reads so far stands in that file, whenever and however the program ends.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static atomic_long reads;

static void tell(long count) {
  const char *name = getenv("FAIL_READS_COUNT");
  const int file = name == NULL ? -1 : open(name, O_WRONLY | O_CREAT, 0644);
  if (file < 0) return;
  char line[32];
  const int length = snprintf(line, sizeof line, "%ld\n", count);
  if (pwrite(file, line, (size_t)length, 0) != length) abort();
  close(file);
}

static int fails(int file) {
  const char *part = getenv("FAIL_READS_OF"), *from = getenv("FAIL_READS_FROM");
  if (part == NULL || from == NULL) return 0;
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  const ssize_t length = readlink(link, path, sizeof path - 1);
  if (length < 0) return 0;
  path[length] = 0;
  if (strstr(path, part) == NULL) return 0;
  const long count = atomic_fetch_add(&reads, 1) + 1;
  tell(count);
  if (count < atol(from)) return 0;
  const char *kind = getenv("FAIL_READS_KIND");
  if (kind != NULL && strcmp(kind, "term") == 0) {
    if (count == atol(from)) raise(SIGTERM);
    return 0;
  }
  errno = EIO;
  return 1;
}

ssize_t pread64(int file, void *bytes, size_t count, off64_t offset) {
  static ssize_t (*next)(int, void *, size_t, off64_t);
  if (next == NULL) next = dlsym(RTLD_NEXT, "pread64");
  return fails(file) ? -1 : next(file, bytes, count, offset);
}

ssize_t pread(int file, void *bytes, size_t count, off_t offset) { return pread64(file, bytes, count, offset); }
