// Random access to gzip files. While a file is unpacked, the state of the decoder is kept once in 4 MB: the place in
// the packed bits, and the 32 KB before it that what follows may refer to. (The method of zran.c, M. Adler, zlib's
// examples.)
#include "messages.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

enum { window_size = 32 << 10, input_size = 64 << 10, span = 4 << 20 };

struct point {
  int64_t output, input;
  int bits;
  unsigned char window[window_size];
};

struct codec_gzip {
  int descriptor;
  z_stream stream;
  int is_live, is_raw, is_at_end;
  int64_t output, input;          // unpacked bytes given, packed bytes read into the buffer
  unsigned filled;                // where the next unpacked byte goes in the window
  unsigned char window[window_size], buffer[input_size];
  struct point **points;
  size_t count;
};

static void stop(codec_gzip *file) {
  if (file->is_live) inflateEnd(&file->stream);
  file->is_live = 0;
}

/// Begins at a point; NULL: at the start.
static int start(codec_gzip *file, const struct point *point, struct codec_message *message) {
  stop(file);
  memset(&file->stream, 0, sizeof file->stream);
  file->is_raw = point != NULL;
  file->is_at_end = 0;
  file->output = point ? point->output : 0;
  file->input = point ? point->input - (point->bits ? 1 : 0) : 0;
  file->filled = 0;
  if (inflateInit2(&file->stream, point ? -15 : 31) != Z_OK) {
    SAY(message, "no memory");
    return -1;
  }
  file->is_live = 1;
  if (!point) return 0;
  memcpy(file->window, point->window, window_size);
  if (point->bits) {
    unsigned char byte;
    if (pread(file->descriptor, &byte, 1, file->input) != 1) {
      SAY(message, "%s", strerror(errno));
      return -1;
    }
    file->input++;
    inflatePrime(&file->stream, point->bits, byte >> (8 - point->bits));
  }
  inflateSetDictionary(&file->stream, point->window, window_size);
  return 0;
}

codec_gzip *codec_gzip_open(const char *path, struct codec_message *message) {
  message->text[0] = 0;
  codec_gzip *file = calloc(1, sizeof *file);
  if (!file) {
    SAY(message, "no memory");
    return NULL;
  }
  file->descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (file->descriptor < 0) SAY(message, "%s", strerror(errno));
  if (file->descriptor < 0 || start(file, NULL, message)) {
    codec_gzip_close(file);
    return NULL;
  }
  return file;
}

void codec_gzip_close(codec_gzip *file) {
  if (!file) return;
  stop(file);
  if (file->descriptor >= 0) close(file->descriptor);
  for (size_t i = 0; i < file->count; i++) free(file->points[i]);
  free(file->points);
  free(file);
}

/// Keeps the decoder's state, which is between two blocks.
static void keep(codec_gzip *file) {
  const int64_t last = file->count ? file->points[file->count - 1]->output : 0;
  if (file->output - last < span) return;
  struct point **points = realloc(file->points, (file->count + 1) * sizeof *points);
  if (!points) return;
  file->points = points;
  struct point *point = malloc(sizeof *point);
  if (!point) return;
  point->output = file->output;
  point->input = file->input - file->stream.avail_in;
  point->bits = file->stream.data_type & 7;
  memcpy(point->window, file->window + file->filled, window_size - file->filled);
  memcpy(point->window + window_size - file->filled, file->window, file->filled);
  points[file->count++] = point;
}

static int fill(codec_gzip *file, struct codec_message *message) {
  if (file->stream.avail_in) return 1;
  const ssize_t count = pread(file->descriptor, file->buffer, input_size, file->input);
  if (count < 0) {
    SAY(message, "%s", strerror(errno));
    return -1;
  }
  file->input += count;
  file->stream.next_in = file->buffer;
  file->stream.avail_in = (unsigned)count;
  return count > 0;
}

/// After the end of a member: begins the next one, if there is one.
static int next_member(codec_gzip *file, struct codec_message *message) {
  for (int skip = file->is_raw ? 8 : 0; skip > 0;) {
    const int some = fill(file, message);
    if (some <= 0) return some;
    const int step = skip < (int)file->stream.avail_in ? skip : (int)file->stream.avail_in;
    file->stream.next_in += step;
    file->stream.avail_in -= (unsigned)step;
    skip -= step;
  }
  const int some = fill(file, message);
  // Zeros fill up the last block on tapes.
  if (some <= 0 || *file->stream.next_in != 0x1f) return some < 0 ? some : 0;
  file->is_raw = 0;
  return inflateReset2(&file->stream, 31) == Z_OK ? 1 : -1;
}

int64_t codec_gzip_read(codec_gzip *file, int64_t offset, void *bytes, int64_t count, struct codec_message *message) {
  message->text[0] = 0;
  const struct point *best = NULL;
  for (size_t i = 0; i < file->count && file->points[i]->output <= offset; i++) best = file->points[i];
  if (!file->is_live || offset < file->output || (best && best->output > file->output))
    if (start(file, best, message)) return -1;
  int64_t done = 0;
  while (done < count && !file->is_at_end) {
    const int some = fill(file, message);
    if (some < 0) return -1;
    if (!some) {
      SAY(message, "it is cut off");
      return -1;
    }
    // Not beyond what is asked for: what comes next may be asked for next.
    const int64_t wanted = offset + count - file->output, room = window_size - file->filled;
    const unsigned before = (unsigned)(wanted < room ? wanted : room);
    file->stream.next_out = file->window + file->filled;
    file->stream.avail_out = before;
    const int code = inflate(&file->stream, Z_BLOCK);
    if (code != Z_OK && code != Z_STREAM_END && code != Z_BUF_ERROR) {
      SAY(message, "%s", file->stream.msg ? file->stream.msg : "its packed data are damaged");
      stop(file);
      return -1;
    }
    const int64_t got = before - file->stream.avail_out;
    const int64_t skip = offset + done > file->output ? offset + done - file->output : 0;
    if (got > skip) {
      memcpy((char *)bytes + done, file->window + file->filled + skip, (size_t)(got - skip));
      done += got - skip;
    }
    file->output += got;
    file->filled = (file->filled + (unsigned)got) % window_size;
    if (code == Z_STREAM_END) {
      const int more = next_member(file, message);
      if (more < 0) return -1;
      file->is_at_end = !more;
    } else if ((file->stream.data_type & 128) && !(file->stream.data_type & 64) && file->output > 0) {
      keep(file);
    }
  }
  return done;
}
