// Register tiles of minimal filtering along y: all six points of a vector of pixels. Included by quads.h, for
// instruction sets of 32 registers.

/// What the tiles of a quad share.
typedef struct {
  const float *const *sources;  // [channels], and where in them the quad's six rows are, by z entry; or
  const ptrdiff_t (*places)[6];
  ptrdiff_t ahead;              // from there to the rows of the quad below
  const float *points;          // their transformed rows, `row` floats from a point to the next
  ptrdiff_t row;
  int32_t entries, channels, z_taps, x_taps;
  const int32_t *z_tap;         // [entries]
  const int32_t *x_shift;       // from a source row's or a transformed row's beginning
  const float *weights;         // of the block
  const float *bias;            // of its first channel, or NULL
  float *const *targets;        // of the block
  ptrdiff_t target, target_row; // of the quad's first row, and from a row of a quad to the next
  int32_t rows;                 // of the quad that are the image's
  bool accumulate;
} quad_job;

/// One tap along x of one channel: its six points by the weights of all targets.
INLINE void quad_tap(const int targets, const bool filters, const float *const *rows, ptrdiff_t shift, const float *w,
                     vector *a) {
  vector d[6];
  UNROLL for (int k = 0; k < 6; k += 1) d[k] = load(rows[k] + shift);
  if (filters) filtering_input(d);
  UNROLL for (int k = 0; k < 6; k += 1) {
    UNROLL for (int c = 0; c < targets; c += 1) {
      a[c * 6 + k] = multiply_add((vector)w[k * targets + c], d[k], a[c * 6 + k]);
    }
  }
}

/// All taps along x of one channel.
INLINE void quad_taps(const int targets, const bool filters, const float *const *rows, int32_t x_taps,
                      const int32_t *x_shift, const float *w, vector *a) {
  if (x_taps == 3) {
    UNROLL for (int t = 0; t < 3; t += 1) quad_tap(targets, filters, rows, x_shift[t], w + t * 6 * targets, a);
    return;
  }
  _Pragma("clang loop unroll(disable)") for (int32_t t = 0; t < x_taps; t += 1, w += 6 * targets) {
    quad_tap(targets, filters, rows, x_shift[t], w, a);
  }
}

/// The register tile: six points of one vector of pixels for some targets, summed over all channels and taps, which
/// then become four rows. Sources are transformed before, or (`filters`) where they are read: for each tap along x
/// anew, but in registers.
INLINE void quad_tile(const int targets, const bool filters, const quad_job *job, int32_t x, int32_t tail) {
  vector a[6 * FILTERING_TARGETS];
  UNROLL for (int i = 0; i < 6 * targets; i += 1) a[i] = (vector)0;
  UNROLL for (int c = 0; c < targets; c += 1) {
    const float *p = job->targets[c] + job->target + x;
    UNROLL for (int i = 0; i < 4; i += 1, p += job->target_row) __builtin_prefetch(p, 1, 3);
  }
  const int32_t channels = job->channels, x_taps = job->x_taps;
  const ptrdiff_t taps = x_taps * 6 * targets, row = job->row;
  const float *weights = job->weights, *points = job->points + x, *rows[6];
  if (job->entries == 1) {
    weights += job->z_tap[0] * taps;
    _Pragma("clang loop unroll(disable)") for (int32_t ci = 0; ci < channels; ci += 1, points += 6 * row) {
      UNROLL for (int k = 0; k < 6; k += 1) {
        rows[k] = filters ? job->sources[ci] + job->places[0][k] + x : points + k * row;
      }
      if (filters) fetch_ahead(rows, job->ahead);
      quad_taps(targets, filters, rows, x_taps, job->x_shift, weights, a);
      weights += job->z_taps * taps;
    }
  } else {
    for (int32_t ci = 0; ci < channels; ci += 1, points += 6 * row, weights += job->z_taps * taps) {
      for (int32_t e = 0; e < job->entries; e += 1) {
        const float *p = points + (ptrdiff_t)e * channels * 6 * row;
        UNROLL for (int k = 0; k < 6; k += 1) {
          rows[k] = filters ? job->sources[ci] + job->places[e][k] + x : p + k * row;
        }
        quad_taps(targets, filters, rows, x_taps, job->x_shift, weights + job->z_tap[e] * taps, a);
      }
    }
  }
  UNROLL for (int c = 0; c < targets; c += 1) {
    const vector bias = job->bias != NULL ? (vector)job->bias[c] : (vector)0;
    store_rows(a + 6 * c, job->targets[c] + job->target + x, job->target_row, job->rows, tail, bias, job->accumulate);
  }
}

#define TILE(C)                                                                                                  \
  static void quad_tile_##C(const quad_job *job, int32_t x, int32_t tail) { quad_tile(C, false, job, x, tail); } \
  static void quad_filters_##C(const quad_job *job, int32_t x, int32_t tail) { quad_tile(C, true, job, x, tail); }
FILTERING_TILES(TILE)
#undef TILE

static void (*const quad_tiles[FILTERING_TARGETS][2])(const quad_job *, int32_t, int32_t) = {
#define TILE(C) [C - 1] = {quad_tile_##C, quad_filters_##C},
    FILTERING_TILES(TILE)
#undef TILE
};
