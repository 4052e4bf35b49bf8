#include "messages.h"
#include <string.h>
#include <zlib.h>
#if __has_include(<blosc.h>)
  #include <blosc.h>
  #define HAS_BLOSC 1
#else
  #define HAS_BLOSC 0
#endif
#if __has_include(<zstd.h>)
  #include <zstd.h>
  #define HAS_ZSTD 1
#else
  #define HAS_ZSTD 0
#endif

int codec_has_blosc(void) { return HAS_BLOSC; }
int codec_has_zstd(void) { return HAS_ZSTD; }

int64_t codec_blosc_unpack(const void *packed, int64_t count, void *bytes, int64_t size,
                           struct codec_message *message) {
  message->text[0] = 0;
#if HAS_BLOSC
  size_t unpacked = 0;
  if (blosc_cbuffer_validate(packed, (size_t)count, &unpacked) < 0 || (int64_t)unpacked > size) {
    SAY(message, "it is no blosc data of this size");
    return -1;
  }
  const int got = blosc_decompress_ctx(packed, bytes, (size_t)size, 1);
  if (got < 0) SAY(message, "blosc cannot unpack it (code %d)", got);
  return got < 0 ? -1 : got;
#else
  (void)packed, (void)count, (void)bytes, (void)size;
  SAY(message, "this program was built without blosc (libblosc-dev)");
  return -1;
#endif
}

int64_t codec_zstd_unpack(const void *packed, int64_t count, void *bytes, int64_t size, struct codec_message *message) {
  message->text[0] = 0;
#if HAS_ZSTD
  const size_t got = ZSTD_decompress(bytes, (size_t)size, packed, (size_t)count);
  if (!ZSTD_isError(got)) return (int64_t)got;
  SAY(message, "%s", ZSTD_getErrorName(got));
#else
  (void)packed, (void)count, (void)bytes, (void)size;
  SAY(message, "this program was built without zstd (libzstd-dev)");
#endif
  return -1;
}

/// A share of a buffer as large as the library can take at once.
static unsigned share(int64_t left) { return left < (1 << 30) ? (unsigned)left : 1u << 30; }

int64_t codec_zlib_unpack(const void *packed, int64_t count, void *bytes, int64_t size, struct codec_message *message) {
  message->text[0] = 0;
  z_stream stream = {0};
  if (inflateInit2(&stream, 47) != Z_OK) {
    SAY(message, "no memory");
    return -1;
  }
  int64_t read = 0, done = 0;
  int code = Z_OK;
  while (code == Z_OK) {
    const unsigned in = share(count - read), out = share(size - done);
    stream.next_in = (Bytef *)packed + read;
    stream.avail_in = in;
    stream.next_out = (Bytef *)bytes + done;
    stream.avail_out = out;
    code = inflate(&stream, Z_NO_FLUSH);
    read += in - stream.avail_in;
    done += out - stream.avail_out;
  }
  const char *otherwise = done == size ? "it is longer" : "it is cut off";
  if (code != Z_STREAM_END) SAY(message, "%s", stream.msg ? stream.msg : otherwise);
  inflateEnd(&stream);
  return code == Z_STREAM_END ? done : -1;
}

int64_t codec_gzip_pack(const void *bytes, int64_t count, void *packed, int64_t size, int level) {
  z_stream stream = {0};
  if (deflateInit2(&stream, level, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY) != Z_OK) return -1;
  int64_t read = 0, done = 0;
  int code = Z_OK;
  while (code == Z_OK) {
    const unsigned in = share(count - read), out = share(size - done);
    stream.next_in = (Bytef *)bytes + read;
    stream.avail_in = in;
    stream.next_out = (Bytef *)packed + done;
    stream.avail_out = out;
    code = deflate(&stream, read + in == count ? Z_FINISH : Z_NO_FLUSH);
    read += in - stream.avail_in;
    done += out - stream.avail_out;
  }
  deflateEnd(&stream);
  return code == Z_STREAM_END ? done : -1;
}

int64_t codec_zstd_pack(const void *bytes, int64_t count, void *packed, int64_t size, int level) {
#if HAS_ZSTD
  const size_t got = ZSTD_compress(packed, (size_t)size, bytes, (size_t)count, level);
  return ZSTD_isError(got) ? -1 : (int64_t)got;
#else
  (void)bytes, (void)count, (void)packed, (void)size, (void)level;
  return -1;
#endif
}

int64_t codec_pack_bound(int64_t count) { return count + count / 128 + 1024; }
