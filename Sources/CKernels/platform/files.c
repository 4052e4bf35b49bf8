#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "platform.h"

#include <fcntl.h>

void tutti_start_flush(int file) {
#if defined(SYNC_FILE_RANGE_WRITE)
  sync_file_range(file, 0, 0, SYNC_FILE_RANGE_WRITE);
#else
  (void)file;
#endif
}
