// The register tiles of a convolution and of its data gradient. Included by instruction_sets/kernels.h.

#define UPTO2(T, C, R) T(C, R, 1) T(C, R, 2)
#define UPTO3(T, C, R) UPTO2(T, C, R) T(C, R, 3)
#define UPTO4(T, C, R) UPTO3(T, C, R) T(C, R, 4)
#define UPTO5(T, C, R) UPTO4(T, C, R) T(C, R, 5)
#define UPTO6(T, C, R) UPTO5(T, C, R) T(C, R, 6)
#define UPTO8(T, C, R) UPTO6(T, C, R) T(C, R, 7) T(C, R, 8)

enum {
  MOST_ROWS = 4,     // of a tile
  MOST_VECTORS = 8,  // of a row of a tile
  MOST_SUMS = 28,    // vectors of accumulators of a tile
};

/// A pair of taps along z and y for the rows at hand: where its source row lies from the tile's first pixel, where the
/// next pair's does (the last pair's next is the first one in the next channel), its weights in a channel's block, and
/// whether it meets source rows first (the last along y does), so that those below are fetched.
typedef struct {
  ptrdiff_t source, next;
  ptrdiff_t weight;
  bool fetches;
} tap_entry;

/// What the tiles of a run of rows with congruent taps share.
typedef struct {
  const tap_entry *taps;
  int32_t tap_count;
  int32_t x_taps;
  const int32_t *x_shift;
  int32_t channels;
  ptrdiff_t source_channel_stride;
  ptrdiff_t weight_channel_stride;
  ptrdiff_t source_row_stride;  // from the source of one target row to that of the next
  ptrdiff_t target_channel_stride;
  ptrdiff_t target_row_stride;
  const float *weights;
  const float *bias;  // of the block's first channel, or NULL
  bool accumulate;
  bool is_cached;
  int32_t tail;  // pixels of a row's last vector
} tile_job;

typedef void (*tile_function)(const tile_job *job, const float *source, float *target, int32_t tail);

/// Fills a tile's accumulators, [channels][rows][vectors], with what the sums begin with.
INLINE void begin_sums(const int channels, const int rows, const int vectors, const tile_job *job, const float *target,
                       int32_t tail, vector *a) {
  const int positions = rows * vectors;
  const ptrdiff_t target_row = job->target_row_stride;
  if (job->accumulate) {
    UNROLL for (int c = 0; c < channels; c += 1) {
      const float *t = target + c * job->target_channel_stride;
      UNROLL for (int i = 0; i < positions; i += 1) {
        const float *p = t + (i / vectors) * target_row + (i % vectors) * LANES;
        a[c * positions + i] = i % vectors == vectors - 1 ? load_first(p, tail) : load(p);
      }
    }
  } else {
    UNROLL for (int c = 0; c < channels; c += 1) {
      const vector initial = job->bias != NULL ? (vector)job->bias[c] : (vector)0;
      UNROLL for (int i = 0; i < positions; i += 1) a[c * positions + i] = initial;
    }
  }
}

/// Writes a tile's accumulators to the target.
INLINE void finish_sums(const int channels, const int rows, const int vectors, const tile_job *job, float *target,
                        int32_t tail, const vector *a) {
  const int positions = rows * vectors;
  const ptrdiff_t target_row = job->target_row_stride;
  UNROLL for (int c = 0; c < channels; c += 1) {
    float *t = target + c * job->target_channel_stride;
    UNROLL for (int i = 0; i < positions; i += 1) {
      float *p = t + (i / vectors) * target_row + (i % vectors) * LANES;
      if (i % vectors == vectors - 1 && tail < LANES) {
        store_first(p, a[c * positions + i], tail);
      } else {
        store(p, a[c * positions + i]);
      }
    }
  }
}

/// One tap: its source vectors by the weights of all channels.
INLINE void tile_tap(const int channels, const int rows, const int vectors, const float *s, const float *w,
                     ptrdiff_t source_row, vector *a) {
  const int positions = rows * vectors;
  if (channels <= positions) {
    vector b[8];
    UNROLL for (int c = 0; c < channels; c += 1) b[c] = (vector)w[c];
    UNROLL for (int i = 0; i < positions; i += 1) {
      const vector v = load(s + (i / vectors) * source_row + (i % vectors) * LANES);
      UNROLL for (int c = 0; c < channels; c += 1) {
        a[c * positions + i] = multiply_add(b[c], v, a[c * positions + i]);
      }
    }
  } else {
    vector v[8];
    UNROLL for (int i = 0; i < positions; i += 1) {
      v[i] = load(s + (i / vectors) * source_row + (i % vectors) * LANES);
    }
    UNROLL for (int c = 0; c < channels; c += 1) {
      const vector b = (vector)w[c];
      UNROLL for (int i = 0; i < positions; i += 1) {
        a[c * positions + i] = multiply_add(b, v[i], a[c * positions + i]);
      }
    }
  }
}

/// The register tile: `channels` × `rows` × `vectors` accumulators stay in registers over all source channels and taps.
/// A tap loads rows × vectors source vectors, shifted and so unaligned, and broadcasts `channels` weights:
///
///                      source vectors  s0   s1   s2   s3     (row 0: s0 s1, row 1: s2 s3)
///             weight w0 (broadcast)    a00  a01  a02  a03    a[c][i] += w[c] * s[i]
///             weight w1                a10  a11  a12  a13
///             weight w2                a20  a21  a22  a23
///
/// Three taps along x are unrolled: else the loop's own instructions bound large tiles, not the multiply-adds.
INLINE void tile(const int channels, const int rows, const int vectors, const tile_job *job, const float *source,
                 float *target, int32_t tail) {
  vector a[MOST_SUMS];
  begin_sums(channels, rows, vectors, job, target, tail, a);
  const ptrdiff_t source_row = job->source_row_stride;
  const tap_entry *const last = job->taps + job->tap_count;
  const int32_t *const x_shift = job->x_shift, *const last_shift = x_shift + job->x_taps;
  const bool three = channels * rows * vectors >= 12 && job->x_taps == 3;
  const ptrdiff_t shift0 = x_shift[0], shift1 = three ? x_shift[1] : 0, shift2 = three ? x_shift[2] : 0;
  const float *weights = job->weights;
  for (int32_t ci = 0; ci < job->channels; ci += 1) {
    _Pragma("clang loop unroll(disable)") for (const tap_entry *tap = job->taps; tap < last; tap += 1) {
      // The next rows come from the second cache while these are worked; a shifted vector lies in two lines of it.
      if (!job->is_cached) {
        const float *next = source + tap->next;
        UNROLL for (int i = 0; i < rows * (vectors + 1); i += 1) {
          __builtin_prefetch(next + (i / (vectors + 1)) * source_row + (i % (vectors + 1)) * LANES);
        }
      }
      const float *w = weights + tap->weight;
      const float *row = source + tap->source;
      if (tap->fetches) {
        // What the tile below meets first comes into the second cache (60 to 3 channels: 61 to 66 GFLOP/s, 39 to 56
        // without).
        const float *ahead = row + rows * source_row;
        UNROLL for (int i = 0; i < rows * vectors; i += 1) {
          __builtin_prefetch(ahead + (i / vectors) * source_row + (i % vectors) * LANES, 0, 2);
        }
      }
      if (three) {
        tile_tap(channels, rows, vectors, row + shift0, w, source_row, a);
        tile_tap(channels, rows, vectors, row + shift1, w + channels, source_row, a);
        tile_tap(channels, rows, vectors, row + shift2, w + 2 * channels, source_row, a);
        continue;
      }
      _Pragma("clang loop unroll(disable)") for (const int32_t *shift = x_shift; shift < last_shift; shift += 1) {
        tile_tap(channels, rows, vectors, row + *shift, w, source_row, a);
        w += channels;
      }
    }
    source += job->source_channel_stride;
    weights += job->weight_channel_stride;
  }
  finish_sums(channels, rows, vectors, job, target, tail, a);
}

#define TILE(C, R, V)                                                                                       \
  static void tile_##C##_##R##_##V(const tile_job *job, const float *source, float *target, int32_t tail) { \
    tile(C, R, V, job, source, target, tail);                                                               \
  }
TILES(TILE)
#undef TILE

static const tile_function tiles[LARGEST_BLOCK][MOST_ROWS][MOST_VECTORS] = {
#define TILE(C, R, V) [C - 1][R - 1][V - 1] = tile_##C##_##R##_##V,
    TILES(TILE)
#undef TILE
};

