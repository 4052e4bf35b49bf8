#ifndef _GNU_SOURCE
  #define _GNU_SOURCE
#endif
#include "image_codecs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

int codec_exchange_names(const char *first, const char *second) {
#if defined(RENAME_EXCHANGE)
  return renameat2(AT_FDCWD, first, AT_FDCWD, second, RENAME_EXCHANGE);
#else
  (void)first, (void)second;
  errno = ENOSYS;
  return -1;
#endif
}

int codec_flush_file_system(int descriptor) { return syncfs(descriptor); }
