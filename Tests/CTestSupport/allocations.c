#define _GNU_SOURCE
#include "include/allocations.h"

#include <errno.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static atomic_bool counting;
static atomic_int_least64_t bytes;
// Where OpenBLAS lies: some of its kernels take a block for a moment, which is its own affair.
static uintptr_t blas_begin, blas_end;

static int find_blas(struct dl_phdr_info *library, size_t size, void *unused) {
  (void)size, (void)unused;
  if (strstr(library->dlpi_name, "libopenblas") == NULL) return 0;
  blas_begin = library->dlpi_addr;
  for (int i = 0; i < library->dlpi_phnum; i += 1) {
    uintptr_t end = library->dlpi_addr + library->dlpi_phdr[i].p_vaddr + library->dlpi_phdr[i].p_memsz;
    if (end > blas_end) blas_end = end;
  }
  return 1;
}

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define FOREIGN_HEAP 1
#endif
#endif

void tutti_test_begin_allocations(void) {
  if (blas_end == 0) dl_iterate_phdr(find_blas, NULL);
  atomic_store(&bytes, 0);
  atomic_store(&counting, true);
}

int64_t tutti_test_end_allocations(void) {
  atomic_store(&counting, false);
#if defined(FOREIGN_HEAP)
  return -1;
#else
  return atomic_load(&bytes);
#endif
}

#if !defined(FOREIGN_HEAP)
// The C library's own, by the names that it keeps for those who replace them.
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *block, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static void note(size_t size, void *caller) {
  if (!atomic_load_explicit(&counting, memory_order_relaxed)) return;
  if ((uintptr_t)caller >= blas_begin && (uintptr_t)caller < blas_end) return;
  // A block of no bytes is a block.
  atomic_fetch_add(&bytes, (int64_t)(size > 0 ? size : 1));
}

void *malloc(size_t size) {
  note(size, __builtin_return_address(0));
  return __libc_malloc(size);
}

void *calloc(size_t count, size_t size) {
  note(count * size, __builtin_return_address(0));
  return __libc_calloc(count, size);
}

void *realloc(void *block, size_t size) {
  note(size, __builtin_return_address(0));
  return __libc_realloc(block, size);
}

void *memalign(size_t alignment, size_t size) {
  note(size, __builtin_return_address(0));
  return __libc_memalign(alignment, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
  note(size, __builtin_return_address(0));
  return __libc_memalign(alignment, size);
}

int posix_memalign(void **block, size_t alignment, size_t size) {
  note(size, __builtin_return_address(0));
  void *found = __libc_memalign(alignment, size);
  if (found == NULL) return ENOMEM;
  *block = found;
  return 0;
}
#endif
