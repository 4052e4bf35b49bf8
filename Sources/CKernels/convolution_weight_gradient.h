// The gradient of a convolution's weights. A part of convolution_kernels.h.

enum {
  GRADIENT_TARGETS = 4,   // of a tile, at most
  GRADIENT_X_TAPS = 3,    // of a tile, at most
  GRADIENT_Y_TAPS = 3,    // whose sums are kept side by side
  GRADIENT_SUMS = 27,     // vectors of accumulators of a tile
  GRADIENT_ROWS = 8,      // worked tap by tap while they are in the nearest cache
  GRADIENT_STEPS = 512,   // vectors summed in float32 before they enter the float64 sums
};

/// Rows of a plane pair (gradient, source) that one tap along z and one along y join.
typedef struct {
  const float *gradient, *source;
  ptrdiff_t gradient_channel_stride, source_channel_stride;
  ptrdiff_t gradient_pitch, source_pitch;
  const int32_t *source_rows;  // the source row of each gradient row, or -1
  const int32_t *x_shift;
  int32_t rows, width;
} gradient_run;

typedef void (*gradient_function)(const gradient_run *run, vector *sums);

/// The register tile: targets × sources × taps along x, each a vector of partial sums whose lanes are pixels of a row.
/// A step loads `targets` gradient vectors and sources × taps source vectors for all products of the two.
/// Whatever the tile, a sum takes its rows and vectors in rising order.
INLINE void gradient_tile(const int targets, const int sources, const int taps, const gradient_run *run,
                          vector *sums) {
  vector a[GRADIENT_SUMS];
  UNROLL for (int i = 0; i < targets * sources * taps; i += 1) a[i] = sums[i];
  const ptrdiff_t gradient_stride = run->gradient_channel_stride, source_stride = run->source_channel_stride;
  const int32_t full = run->width / LANES * LANES, tail = run->width - full;
  for (int32_t row = 0; row < run->rows; row += 1) {
    if (run->source_rows[row] < 0) continue;
    const float *g = run->gradient + row * run->gradient_pitch;
    const float *s = run->source + run->source_rows[row] * run->source_pitch;
    const float *shifted[GRADIENT_X_TAPS];
    UNROLL for (int t = 0; t < taps; t += 1) shifted[t] = s + run->x_shift[t];
    _Pragma("clang loop unroll(disable)") for (int32_t x = 0; x < full; x += LANES) {
      vector v[GRADIENT_TARGETS];
      UNROLL for (int c = 0; c < targets; c += 1) v[c] = load(g + c * gradient_stride + x);
      UNROLL for (int i = 0; i < sources * taps; i += 1) {
        const vector u = load(shifted[i % taps] + (i / taps) * source_stride + x);
        UNROLL for (int c = 0; c < targets; c += 1) {
          a[c * sources * taps + i] = multiply_add(v[c], u, a[c * sources * taps + i]);
        }
      }
    }
    if (tail > 0) {
      vector v[GRADIENT_TARGETS];
      UNROLL for (int c = 0; c < targets; c += 1) v[c] = load_first(g + c * gradient_stride + full, tail);
      UNROLL for (int i = 0; i < sources * taps; i += 1) {
        const vector u = load_first(shifted[i % taps] + (i / taps) * source_stride + full, tail);
        UNROLL for (int c = 0; c < targets; c += 1) {
          a[c * sources * taps + i] = multiply_add(v[c], u, a[c * sources * taps + i]);
        }
      }
    }
  }
  UNROLL for (int i = 0; i < targets * sources * taps; i += 1) sums[i] = a[i];
}

#define TILE(C, S)                                                                                            \
  static void gradient_##C##_##S##_1(const gradient_run *run, vector *sums) { gradient_tile(C, S, 1, run, sums); } \
  static void gradient_##C##_##S##_2(const gradient_run *run, vector *sums) { gradient_tile(C, S, 2, run, sums); } \
  static void gradient_##C##_##S##_3(const gradient_run *run, vector *sums) { gradient_tile(C, S, 3, run, sums); }
GRADIENT_TILES(TILE)
#undef TILE

/// Source channels of the largest tile, by target channels.
static const int8_t gradient_sources[GRADIENT_TARGETS] = GRADIENT_SOURCES;

static const gradient_function gradient_tiles[GRADIENT_TARGETS][8][GRADIENT_X_TAPS] = {
#define TILE(C, S) \
  [C - 1][S - 1] = {gradient_##C##_##S##_1, gradient_##C##_##S##_2, gradient_##C##_##S##_3},
    GRADIENT_TILES(TILE)
#undef TILE
};

/// The entry of target index i whose tap is `tap`, or -1.
static int32_t entry_of_tap(tutti_axis map, int32_t i, int32_t tap) {
  const int32_t first = map.start[i], last = map.start[i + 1];
  if (tap < last - first && map.tap[first + tap] == tap) return first + tap;
  for (int32_t e = first; e < last; e += 1) {
    if (map.tap[e] == tap) return e;
  }
  return -1;
}

/// The sum of a vector's lanes, as a balanced tree.
INLINE float lane_sum(const wide *v) {
  double lanes[LANES];
  for (int i = 0; i < LANES; i += 1) lanes[i] = (*v)[i];
  for (int half = LANES / 2; half > 0; half /= 2) {
    for (int i = 0; i < half; i += 1) lanes[i] += lanes[i + half];
  }
  return (float)lanes[0];
}

/// Sums of one block of targets × sources for one tap along z, at most three along y and at most three along x.
static void gradient_block(const tutti_weight_gradient *job, tutti_block targets, tutti_block sources, int32_t tz,
                           tutti_block ty, tutti_block tx) {
  const int32_t rows = job->gradient_rows, planes = job->gradient_planes;
  const int32_t vectors = (job->width + LANES - 1) / LANES;
  const int32_t tile_sums = targets.count * sources.count * tx.count;
  const gradient_function function = gradient_tiles[targets.count - 1][sources.count - 1][tx.count - 1];

  // The float32 sums run over a band: some rows of one plane or, when planes are small, some planes.
  const int64_t plane_steps = rows > 0 && vectors > 0 ? (int64_t)rows * vectors : 1;
  const int32_t band_planes = plane_steps >= GRADIENT_STEPS ? 1 : (int32_t)(GRADIENT_STEPS / plane_steps);
  const int32_t band_rows = plane_steps < GRADIENT_STEPS ? rows
                            : vectors >= GRADIENT_STEPS  ? 1
                                                         : GRADIENT_STEPS / vectors;

  vector sums[GRADIENT_Y_TAPS][GRADIENT_SUMS];
  wide totals[GRADIENT_Y_TAPS][GRADIENT_SUMS];
  for (int32_t t = 0; t < ty.count; t += 1) {
    for (int32_t i = 0; i < tile_sums; i += 1) totals[t][i] = (wide)0;
  }
  int32_t source_rows[GRADIENT_Y_TAPS][GRADIENT_STEPS];
  int32_t listed = -1;  // first row of the band that source_rows describes

  for (int32_t z0 = 0; z0 < planes; z0 += band_planes) {
    for (int32_t y0 = 0; y0 < rows; y0 += band_rows) {
      const int32_t z1 = planes - z0 < band_planes ? planes : z0 + band_planes;
      const int32_t y1 = rows - y0 < band_rows ? rows : y0 + band_rows;
      for (int32_t t = 0; t < ty.count; t += 1) {
        for (int32_t i = 0; i < tile_sums; i += 1) sums[t][i] = (vector)0;
        for (int32_t y = y0; y < y1 && listed != y0; y += 1) {
          const int32_t entry = entry_of_tap(job->y, y, ty.first + t);
          source_rows[t][y - y0] = entry < 0 ? -1 : job->y.source[entry];
        }
      }
      listed = y0;
      for (int32_t z = z0; z < z1; z += 1) {
        const int32_t entry = entry_of_tap(job->z, z, tz);
        if (entry < 0) continue;
        const float *gradient = job->gradient + targets.first * job->gradient_channel_stride +
                                (ptrdiff_t)z * rows * job->gradient_pitch;
        const float *source = job->source + sources.first * job->source_channel_stride +
                              (ptrdiff_t)job->z.source[entry] * job->source_rows * job->source_pitch;
        for (int32_t y = y0; y < y1; y += GRADIENT_ROWS) {
          for (int32_t t = 0; t < ty.count; t += 1) {
            const gradient_run run = {
                .gradient = gradient + (ptrdiff_t)y * job->gradient_pitch,
                .source = source,
                .gradient_channel_stride = job->gradient_channel_stride,
                .source_channel_stride = job->source_channel_stride,
                .gradient_pitch = job->gradient_pitch,
                .source_pitch = job->source_pitch,
                .source_rows = source_rows[t] + (y - y0),
                .x_shift = job->x_shift + tx.first,
                .rows = y1 - y < GRADIENT_ROWS ? y1 - y : GRADIENT_ROWS,
                .width = job->width,
            };
            function(&run, sums[t]);
          }
        }
      }
      for (int32_t t = 0; t < ty.count; t += 1) {
        for (int32_t i = 0; i < tile_sums; i += 1) totals[t][i] += __builtin_convertvector(sums[t][i], wide);
      }
    }
  }

  const int32_t taps = job->z_taps * job->y_taps * job->x_taps;
  for (int32_t t = 0; t < ty.count; t += 1) {
    for (int32_t i = 0; i < tile_sums; i += 1) {
      const int32_t x = i % tx.count, s = i / tx.count % sources.count, c = i / tx.count / sources.count;
      float *result = job->result +
                      ((ptrdiff_t)(targets.first + c) * job->source_channels + sources.first + s) * taps +
                      (tz * job->y_taps + ty.first + t) * job->x_taps + tx.first + x;
      const float sum = lane_sum(&totals[t][i]);
      *result = job->accumulate ? *result + sum : sum;
    }
  }
}

static void weight_gradient(const tutti_weight_gradient *job, int32_t first_target, int32_t last_target,
                            int32_t first_source, int32_t last_source) {
  const int32_t targets = last_target - first_target, sources = last_source - first_source;
  if (targets <= 0 || sources <= 0) return;
  for (int32_t c = 0; c < tutti_block_count(targets, GRADIENT_TARGETS); c += 1) {
    tutti_block target = tutti_block_at(c, targets, GRADIENT_TARGETS);
    target.first += first_target;
    const int32_t most = gradient_sources[target.count - 1];
    for (int32_t s = 0; s < tutti_block_count(sources, most); s += 1) {
      tutti_block source = tutti_block_at(s, sources, most);
      source.first += first_source;
      for (int32_t tz = 0; tz < job->z_taps; tz += 1) {
        for (int32_t y = 0; y < tutti_block_count(job->y_taps, GRADIENT_Y_TAPS); y += 1) {
          for (int32_t x = 0; x < tutti_block_count(job->x_taps, GRADIENT_X_TAPS); x += 1) {
            gradient_block(job, target, source, tz, tutti_block_at(y, job->y_taps, GRADIENT_Y_TAPS),
                           tutti_block_at(x, job->x_taps, GRADIENT_X_TAPS));
          }
        }
      }
    }
  }
}
