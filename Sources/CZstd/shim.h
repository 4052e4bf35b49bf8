// Optional: without it, what is packed with it cannot be read (CImageCodecs).
#pragma once
#if __has_include(<zstd.h>)
  #include <zstd.h>
#endif
