// The transforms of F(4×4, 3×3): of weights, and of tiles of an image. Included by instruction_sets/kernels.h.

// Points 0, ±P, ±Q, ∞. Their choice moves rounding errors only: with 64 channels they are 1.9 times those of a plain
// sum (3.9 times with 1 and 2), and the factors are exact.
#define WINOGRAD_P 0.75f
#define WINOGRAD_Q 1.5f

enum {
  WINOGRAD_UNITS = 4,                    // rows of LANES pixels (a quarter as many tiles) that a vector of tiles has
};

#if LANES == 16
#define PAIRS_LOW 0, 16, 1, 17, 4, 20, 5, 21, 8, 24, 9, 25, 12, 28, 13, 29
#define PAIRS_HIGH 2, 18, 3, 19, 6, 22, 7, 23, 10, 26, 11, 27, 14, 30, 15, 31
#define HALVES_LOW 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29
#define HALVES_HIGH 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31
#elif LANES == 8
#define PAIRS_LOW 0, 8, 1, 9, 4, 12, 5, 13
#define PAIRS_HIGH 2, 10, 3, 11, 6, 14, 7, 15
#define HALVES_LOW 0, 1, 8, 9, 4, 5, 12, 13
#define HALVES_HIGH 2, 3, 10, 11, 6, 7, 14, 15
#else
#define PAIRS_LOW 0, 4, 1, 5
#define PAIRS_HIGH 2, 6, 3, 7
#define HALVES_LOW 0, 1, 4, 5
#define HALVES_HIGH 2, 3, 6, 7
#endif

/// Transposes four vectors in groups of four lanes: 4 × LANES neighbouring pixels become, by tile, their first, second,
/// third and fourth columns; and back.
INLINE void transpose_quads(vector *a) {
  const vector t0 = __builtin_shufflevector(a[0], a[1], PAIRS_LOW), t1 = __builtin_shufflevector(a[2], a[3], PAIRS_LOW);
  const vector t2 = __builtin_shufflevector(a[0], a[1], PAIRS_HIGH);
  const vector t3 = __builtin_shufflevector(a[2], a[3], PAIRS_HIGH);
  a[0] = __builtin_shufflevector(t0, t1, HALVES_LOW);
  a[1] = __builtin_shufflevector(t0, t1, HALVES_HIGH);
  a[2] = __builtin_shufflevector(t2, t3, HALVES_LOW);
  a[3] = __builtin_shufflevector(t2, t3, HALVES_HIGH);
}

/// Six pixels to six points.
INLINE void winograd_input(vector *d) {
  const float p = WINOGRAD_P, q = WINOGRAD_Q;
  const vector s = multiply_add((vector)(-q * q), d[2], d[4]), t = p * multiply_add((vector)(-q * q), d[1], d[3]);
  const vector u = multiply_add((vector)(-p * p), d[2], d[4]), v = q * multiply_add((vector)(-p * p), d[1], d[3]);
  const vector sum = (vector)(-p * p - q * q), product = (vector)(p * p * q * q);
  d[0] = multiply_add(product, d[0], multiply_add(sum, d[2], d[4]));
  d[5] = multiply_add(product, d[1], multiply_add(sum, d[3], d[5]));
  d[1] = s + t, d[2] = s - t, d[3] = u + v, d[4] = u - v;
}

/// Six points (0, ±p, ±q, ∞) to four pixels.
INLINE void points_output(const float p, const float q, const vector *m, vector *y) {
  const vector a = m[1] + m[2], b = m[1] - m[2], c = m[3] + m[4], d = m[3] - m[4];
  y[0] = m[0] + (a + c);
  y[1] = multiply_add((vector)p, b, (vector)q * d);
  y[2] = multiply_add((vector)(p * p), a, (vector)(q * q) * c);
  y[3] = multiply_add((vector)(p * p * p), b, multiply_add((vector)(q * q * q), d, m[5]));
}

/// Three weights to six points.
INLINE void points_weight(const float p, const float q, const vector *w, vector *g) {
  const float np = 2 * p * p * (p * p - q * q), nq = 2 * q * q * (q * q - p * p);
  const vector a = multiply_add((vector)(p * p / np), w[2], (vector)(1 / np) * w[0]), b = (vector)(p / np) * w[1];
  const vector c = multiply_add((vector)(q * q / nq), w[2], (vector)(1 / nq) * w[0]), d = (vector)(q / nq) * w[1];
  g[0] = (vector)(1 / (p * p * q * q)) * w[0];
  g[1] = a + b, g[2] = a - b, g[3] = c + d, g[4] = c - d;
  g[5] = w[2];
}

INLINE void winograd_output(const vector *m, vector *y) { points_output(WINOGRAD_P, WINOGRAD_Q, m, y); }
INLINE void winograd_weight(const vector *w, vector *g) { points_weight(WINOGRAD_P, WINOGRAD_Q, w, g); }

// MARK: Weights

/// Floats from the weights of a point to those of the next: points fall into different sets of the cache.
static ptrdiff_t winograd_weight_stride(int32_t target_channels, int32_t depth) {
  return (ptrdiff_t)((target_channels + LANES - 1) / LANES * LANES) * depth + 16;
}

static size_t winograd_weight_count(int32_t target_channels, int32_t source_channels, int32_t z_taps) {
  return TUTTI_WINOGRAD_POINTS * (size_t)winograd_weight_stride(target_channels, z_taps * source_channels);
}

/// [point][block of LANES targets][z tap][source][target in block], zeros for targets that are not there.
static void winograd_weights(const float *weights, int32_t target_channels, int32_t source_channels, int32_t z_taps,
                             bool transposed, int32_t first_held, int32_t held_targets, int32_t first_target,
                             int32_t last_target, float *transformed) {
  const int32_t depth = z_taps * source_channels, taps = 9 * z_taps;
  const ptrdiff_t point_stride = winograd_weight_stride(held_targets, depth);
  const ptrdiff_t target_stride = transposed ? taps : (ptrdiff_t)source_channels * taps;
  const ptrdiff_t source_stride = transposed ? (ptrdiff_t)target_channels * taps : taps;
  for (int32_t first = first_target; first < last_target; first += LANES) {
    const int32_t targets = last_target - first < LANES ? last_target - first : LANES;
    for (int32_t k = 0; k < depth; k += 1) {
      const int32_t tz = k / source_channels, source = k % source_channels;
      const float *w =
          weights + first * target_stride + source * source_stride + 9 * (transposed ? z_taps - 1 - tz : tz);
      vector g[16];
#if LANES == 16
      if (targets == LANES) {
        UNROLL for (int i = 0; i < LANES; i += 1) g[i] = load_first(w + i * target_stride, 9);
      } else {
        for (int32_t i = 0; i < LANES; i += 1) g[i] = i < targets ? load_first(w + i * target_stride, 9) : (vector)0;
      }
      transpose_lanes(g);
#else
      float taps_of_target[9][LANES] = {0};
      for (int32_t c = 0; c < targets; c += 1) {
        for (int32_t i = 0; i < 9; i += 1) taps_of_target[i][c] = w[c * target_stride + i];
      }
      UNROLL for (int i = 0; i < 9; i += 1) g[i] = load(taps_of_target[i]);
#endif
      vector t[18];  // [column][point along y]
      UNROLL for (int x = 0; x < 3; x += 1) {
        vector column[3];
        UNROLL for (int y = 0; y < 3; y += 1) column[y] = g[transposed ? 8 - (3 * y + x) : 3 * y + x];
        winograd_weight(column, t + 6 * x);
      }
      float *to = transformed + (ptrdiff_t)(first - first_held) * depth + k * LANES;
      UNROLL for (int i = 0; i < 6; i += 1) {
        const vector row[3] = {t[i], t[6 + i], t[12 + i]};
        vector points[6];
        winograd_weight(row, points);
        // Past the caches: they are read when all is written, and the lines need not be fetched first.
        UNROLL for (int j = 0; j < 6; j += 1, to += point_stride) __builtin_nontemporal_store(points[j], (vector *)to);
      }
    }
  }
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

// MARK: Tiles

/// LANES pixels along x by 4 rows of one sample's plane: LANES / 4 tiles. Of narrow images two (four) tile rows lie
/// side by side in a unit.
typedef struct {
  int32_t sample, plane, row, x;
} winograd_unit;

/// How an image is cut into units.
typedef struct {
  int32_t parts;    // tile rows side by side
  int32_t across;   // units along x
  int32_t down;     // along y
  int32_t count;    // of all samples
  bool columns;     // vectors follow each other along z, so that what one's taps read the next one's read again
} winograd_grid;

static winograd_grid winograd_grid_of(const tutti_winograd *job) {
  winograd_grid grid = {.parts = 1};
  if (LANES == 16 && job->width <= 8 && job->rows > 4) grid.parts = 2;
  grid.across = (job->width + LANES - 1) / LANES;
  grid.down = (job->rows + 4 * grid.parts - 1) / (4 * grid.parts);
  grid.count = job->samples * job->planes * grid.down * grid.across;
  grid.columns = job->z_taps == 3 && job->planes > 1 && grid.down * grid.across % WINOGRAD_UNITS == 0;
  return grid;
}

static winograd_unit winograd_unit_at(const tutti_winograd *job, const winograd_grid *grid, int32_t index) {
  winograd_unit unit;
  if (grid->columns) {
    const int32_t vector = index / WINOGRAD_UNITS, column = vector / job->planes;
    const int32_t units = grid->down * grid->across, in_sample = column * WINOGRAD_UNITS + index % WINOGRAD_UNITS;
    unit.plane = vector % job->planes;
    unit.sample = in_sample / units;
    unit.row = in_sample % units / grid->across * 4 * grid->parts;
    unit.x = in_sample % grid->across * LANES;
    return unit;
  }
  unit.x = index % grid->across * LANES;
  index /= grid->across;
  unit.row = index % grid->down * 4 * grid->parts;
  index /= grid->down;
  unit.plane = index % job->planes;
  unit.sample = index / job->planes;
  return unit;
}

static int32_t winograd_vectors(const tutti_winograd *job) {
  return (winograd_grid_of(job).count + WINOGRAD_UNITS - 1) / WINOGRAD_UNITS;
}

static const float winograd_zeros[LANES + 4] = {0};

/// Where the rows of a vector's tiles are for one tap along z, from the channel's base.
typedef struct {
  ptrdiff_t row[6][2 * WINOGRAD_UNITS];                  // by unit and part, or absent_row
  int32_t first[WINOGRAD_UNITS], second[WINOGRAD_UNITS];  // pixels to load from x - 1 on, and from x + 3 on
  bool masked;                                            // not all pixels of all units are there
} winograd_rows;

static void winograd_find_rows(const tutti_winograd *job, const winograd_grid *grid, int32_t index, int32_t tz,
                               winograd_rows *rows) {
  const int32_t most = LANES / grid->parts;
  rows->masked = grid->parts > 1;
  for (int32_t u = 0; u < WINOGRAD_UNITS; u += 1) {
    const bool exists = index * WINOGRAD_UNITS + u < grid->count;
    const winograd_unit unit = winograd_unit_at(job, grid, exists ? index * WINOGRAD_UNITS + u : 0);
    const int32_t plane = unit.plane + tz - job->z_taps / 2, pixels = job->width + 2 - unit.x;
    rows->first[u] = pixels < most ? pixels : most;
    rows->second[u] = pixels < 4 ? 0 : pixels - 4 < most ? pixels - 4 : most;
    rows->masked |= pixels < LANES + 2;
    for (int32_t i = 0; i < 6 * grid->parts; i += 1) {
      const int32_t part = i / 6, y = unit.row + 4 * part + i % 6 - 1;
      const bool present = exists && plane >= 0 && plane < job->planes && y >= 0 && y < job->rows;
      rows->row[i % 6][2 * u + part] =
          !present ? absent_row
                   : unit.sample * job->source_sample_stride +
                         ((ptrdiff_t)plane * job->rows + y) * job->source_pitch + unit.x - 1;
    }
  }
}

INLINE const float *winograd_row(const float *channel, ptrdiff_t row) {
  return row == absent_row ? winograd_zeros : channel + row;
}

#if LANES == 16
INLINE vector winograd_load_two(const float *low, const float *high, int32_t count) {
  return __builtin_shufflevector(load_first(low, count), load_first(high, count), 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18,
                                 19, 20, 21, 22, 23);
}
#endif

/// One channel of a vector of tiles: 36 points, `stride` floats apart.
INLINE void winograd_transform_input(const winograd_rows *rows, const bool masked, const float *channel, float *points,
                                     ptrdiff_t stride, const bool two) {
  vector t[36];
  UNROLL for (int i = 0; i < 6; i += 1) {
    vector d[6], w[4];
    UNROLL for (int u = 0; u < WINOGRAD_UNITS; u += 1) {
      const float *p = winograd_row(channel, rows->row[i][2 * u]);
#if LANES == 16
      if (two) {
        const float *high = winograd_row(channel, rows->row[i][2 * u + 1]);
        d[u] = winograd_load_two(p, high, rows->first[u]);
        w[u] = winograd_load_two(p + 4, high + 4, rows->second[u]);
        continue;
      }
#endif
      d[u] = masked ? load_first(p, rows->first[u]) : load(p);
      w[u] = masked ? load_first(p + 4, rows->second[u]) : load(p + 4);
    }
    transpose_quads(d);
    const vector low = __builtin_shufflevector(w[0], w[1], PAIRS_LOW);
    const vector high = __builtin_shufflevector(w[2], w[3], PAIRS_LOW);
    d[4] = __builtin_shufflevector(low, high, HALVES_LOW);
    d[5] = __builtin_shufflevector(low, high, HALVES_HIGH);
    winograd_input(d);
    UNROLL for (int j = 0; j < 6; j += 1) t[6 * i + j] = d[j];
  }
  UNROLL for (int j = 0; j < 6; j += 1) {
    vector d[6];
    UNROLL for (int i = 0; i < 6; i += 1) d[i] = t[6 * i + j];
    winograd_input(d);
    UNROLL for (int i = 0; i < 6; i += 1) *(vector *)(points + (6 * i + j) * stride) = d[i];
  }
}

static void winograd_transform_whole(const winograd_rows *rows, const float *channel, float *points, ptrdiff_t stride) {
  winograd_transform_input(rows, false, channel, points, stride, false);
}
static void winograd_transform_masked(const winograd_rows *rows, const float *channel, float *points,
                                      ptrdiff_t stride) {
  winograd_transform_input(rows, true, channel, points, stride, false);
}
static void winograd_transform_two(const winograd_rows *rows, const float *channel, float *points, ptrdiff_t stride) {
  winograd_transform_input(rows, true, channel, points, stride, true);
}

/// Channels first ..< last of a vector of tiles; a channel's points begin `step` floats behind the one's before.
static void winograd_inputs(const tutti_winograd *job, const winograd_grid *grid, const winograd_rows *rows,
                            int32_t first, int32_t last, float *points, ptrdiff_t step, ptrdiff_t stride) {
  const float *channel = job->source + first * job->source_channel_stride;
  for (int32_t c = first; c < last; c += 1, channel += job->source_channel_stride, points += step) {
    if (grid->parts > 1) {
      winograd_transform_two(rows, channel, points, stride);
    } else if (rows->masked) {
      winograd_transform_masked(rows, channel, points, stride);
    } else {
      winograd_transform_whole(rows, channel, points, stride);
    }
  }
}

/// Whether a vector of tiles reads, through tap tz, what the vector before it read through the next tap.
INLINE bool winograd_shares(const tutti_winograd *job, const winograd_grid *grid, int32_t index, int32_t tz) {
  return grid->columns && tz < 2 && index % job->planes > 0;
}

/// Copies a channel's points.
INLINE void winograd_copy_points(const float *from, float *to, ptrdiff_t stride) {
  for (int32_t i = 0; i < TUTTI_WINOGRAD_POINTS; i += 1) {
    *(vector *)(to + i * stride) = *(const vector *)(from + i * stride);
  }
}
