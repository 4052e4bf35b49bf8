// Strips: tiles whose rows share source rows. Included by instruction_sets/kernels.h.

/// The strip: a tile whose rows lie as far apart as its three taps along y (the dilation), so that a source row serves
/// up to three target rows and is loaded once for all of them. Needs 3 taps along y; `job->taps` lists those along z.
///
///     source row   0        1          2          3          4        5      (rows + 2 of them)
///     target row   0 ty 0   0 ty 1     0 ty 2                                a pixel still takes its taps in rising
///                           1 ty 0     1 ty 1     1 ty 2                     order, since source rows rise with ty
///                                      2 ty 0     2 ty 1     2 ty 2
INLINE void strip(const int channels, const int rows, const int vectors, const tile_job *job, const float *source,
                  float *target, int32_t tail) {
  vector a[MOST_SUMS];
  begin_sums(channels, rows, vectors, job, target, tail, a);
  const ptrdiff_t source_row = job->source_row_stride;
  const tap_entry *const last = job->taps + job->tap_count;
  const int32_t *const x_shift = job->x_shift;
  const ptrdiff_t x_taps = job->x_taps, y_weights = x_taps * channels;
  const float *weights = job->weights;
  for (int32_t ci = 0; ci < job->channels; ci += 1) {
    _Pragma("clang loop unroll(disable)") for (const tap_entry *tap = job->taps; tap < last; tap += 1) {
      const float *row = source + tap->source, *next = source + tap->next;
      UNROLL for (int i = 0; i < rows + 2; i += 1, row += source_row, next += source_row) {
        if (!job->is_cached) {
          UNROLL for (int v = 0; v <= vectors; v += 1) __builtin_prefetch(next + v * LANES);
        }
        const float *w = weights + tap->weight;
        _Pragma("clang loop unroll(disable)") for (ptrdiff_t tx = 0; tx < x_taps; tx += 1, w += channels) {
          const float *s = row + x_shift[tx];
          vector u[MOST_VECTORS];
          UNROLL for (int v = 0; v < vectors; v += 1) u[v] = load(s + v * LANES);
          UNROLL for (int ty = 0; ty < 3; ty += 1) {
            const int r = i - ty;
            if (r < 0 || r >= rows) continue;
            UNROLL for (int c = 0; c < channels; c += 1) {
              const vector b = (vector)w[ty * y_weights + c];
              UNROLL for (int v = 0; v < vectors; v += 1) {
                vector *sum = &a[(c * rows + r) * vectors + v];
                *sum = multiply_add(b, u[v], *sum);
              }
            }
          }
        }
      }
    }
    source += job->source_channel_stride;
    weights += job->weight_channel_stride;
  }
  finish_sums(channels, rows, vectors, job, target, tail, a);
}

#define STRIP(C, R, V)                                                                                       \
  static void strip_##C##_##V(const tile_job *job, const float *source, float *target, int32_t tail) {       \
    strip(C, R, V, job, source, target, tail);                                                               \
  }
STRIPS(STRIP)
#undef STRIP

static const tile_function strips[MOST_STRIP_CHANNELS][MOST_VECTORS] = {
#define STRIP(C, R, V) [C - 1][V - 1] = strip_##C##_##V,
    STRIPS(STRIP)
#undef STRIP
};

/// Rows and most vectors of a strip, by target channels.
static const int8_t strip_rows[MOST_STRIP_CHANNELS] = STRIP_ROWS;
static const int8_t widest_strip[MOST_STRIP_CHANNELS] = WIDEST_STRIP;

/// Works as many rows of one target block as fill strips; returns how many.
static int32_t block_strips(const tile_job *job, int32_t channels, const float *source, float *target, int32_t rows,
                            int32_t vectors) {
  const int32_t height = strip_rows[channels - 1], widest = widest_strip[channels - 1];
  const int32_t parts = (vectors + widest - 1) / widest, narrow = vectors / parts, wider = vectors - narrow * parts;
  int32_t row = 0;
  for (; row + height <= rows; row += height) {
    ptrdiff_t x = 0;
    for (int32_t part = 0; part < parts; part += 1) {
      const int32_t width = narrow + (part < wider ? 1 : 0);
      strips[channels - 1][width - 1](job, source + x, target + x, part == parts - 1 ? job->tail : LANES);
      x += width * LANES;
    }
    source += height * job->source_row_stride;
    target += height * job->target_row_stride;
  }
  return row;
}

/// The distance of row y's three source rows when these are equally spaced taps 0, 1, 2 and target channels are so few
/// that strips pay (10 to 1 channels: 63 GFLOP/s, 40 in tiles); else 0.
static int32_t strip_step(const tutti_convolution *job, int32_t y) {
  const int32_t first = job->y.start[y];
  if (job->target_channels > MOST_STRIP_CHANNELS || job->y_taps != 3 || job->y.start[y + 1] - first != 3) return 0;
  const int32_t *tap = job->y.tap + first, *source = job->y.source + first;
  if (tap[0] != 0 || tap[1] != 1 || tap[2] != 2) return 0;
  return source[1] - source[0] == source[2] - source[1] ? source[1] - source[0] : 0;
}
