// Weight gradients by F(4×4, 3×3): the adjoint of convolution/winograd/products.h. Included by
// instruction_sets/kernels.h.
//
// The sum over pixels becomes, for each of 36 points, one over tiles, of (transformed source) × (transformed gradient).
// Lanes are target channels, as in convolution/weight_gradient/channels.h.

enum {
  WINOGRAD_GRADIENT_BYTES = 550 << 10,  // of sums and transformed tiles that stay in the second cache
  WINOGRAD_GRADIENT_VECTORS = 3,        // of target channels worked together
  WINOGRAD_GRADIENT_TARGETS = 48,       // of a call, and
  WINOGRAD_GRADIENT_DEPTH = 48,         // (z tap, source channel) pairs
  WINOGRAD_GRADIENT_TILES = 4,          // vectors of tiles worked together, at most
};

/// Four pixels to six points: the adjoint of points_output.
INLINE void points_gradient_input(const float p, const float q, const vector *y, vector *m) {
  const vector a = multiply_add((vector)(p * p), y[2], y[0]), b = p * multiply_add((vector)(p * p), y[3], y[1]);
  const vector c = multiply_add((vector)(q * q), y[2], y[0]), d = q * multiply_add((vector)(q * q), y[3], y[1]);
  m[0] = y[0];
  m[1] = a + b, m[2] = a - b, m[3] = c + d, m[4] = c - d;
  m[5] = y[3];
}

INLINE void winograd_gradient_input(const vector *y, vector *m) { points_gradient_input(WINOGRAD_P, WINOGRAD_Q, y, m); }

/// Six points to three weights: the adjoint of winograd_weight.
INLINE void winograd_gradient_weight(const vector *g, vector *w) {
  const float p = WINOGRAD_P, q = WINOGRAD_Q, np = 2 * p * p * (p * p - q * q), nq = 2 * q * q * (q * q - p * p);
  const vector a = g[1] + g[2], b = g[1] - g[2], c = g[3] + g[4], d = g[3] - g[4];
  w[0] = multiply_add((vector)(1 / (p * p * q * q)), g[0], multiply_add((vector)(1 / np), a, (vector)(1 / nq) * c));
  w[1] = multiply_add((vector)(p / np), b, (vector)(q / nq) * d);
  w[2] = multiply_add((vector)(p * p / np), a, multiply_add((vector)(q * q / nq), c, g[5]));
}

/// The register tile of one point: `columns` (z tap, source) pairs × `vectors` of targets, summed over the tiles of
/// `count` vectors, of which the last has `units` units. A column's next vector of tiles lies `columns` vectors
/// further, so that every load of a tile is a constant away from the first.
INLINE void winograd_gradient_tile(const int vectors, const int columns, int32_t count, int32_t units,
                                   const float *sources, const float *gradients, bool begins, float *sums) {
  vector a[24];
  UNROLL for (int i = 0; i < vectors * columns; i += 1) a[i] = begins ? (vector)0 : *(const vector *)(sums + i * LANES);
  for (int32_t v = 0; v < count; v += 1, sources += columns * LANES, gradients += LANES * vectors * LANES) {
    const float *s = sources, *g = gradients;
    const int32_t some = v == count - 1 ? units : WINOGRAD_UNITS;
    _Pragma("clang loop unroll(disable)") for (int32_t l = 0; l < LANES / 4; l += 1) {
      _Pragma("clang loop unroll(disable)") for (int32_t u = 0; u < some; u += 1, s += 1, g += vectors * LANES) {
        vector w[3];
        UNROLL for (int j = 0; j < vectors; j += 1) w[j] = *(const vector *)(g + j * LANES);
        UNROLL for (int k = 0; k < columns; k += 1) {
          const vector b = (vector)s[k * LANES];
          UNROLL for (int j = 0; j < vectors; j += 1) a[k * vectors + j] = multiply_add(w[j], b, a[k * vectors + j]);
        }
      }
      s += WINOGRAD_UNITS - some;
      g += (WINOGRAD_UNITS - some) * vectors * LANES;
    }
  }
  UNROLL for (int i = 0; i < vectors * columns; i += 1) *(vector *)(sums + i * LANES) = a[i];
}

/// Columns of a tile, by vectors of targets.
static const int8_t winograd_columns[WINOGRAD_GRADIENT_VECTORS] = WINOGRAD_COLUMNS;

typedef void (*winograd_gradient_function)(int32_t count, int32_t units, const float *sources, const float *gradients,
                                           bool begins, float *sums);

#define TILE(V)                                                                                                       \
  static void winograd_gradient_##V(int32_t count, int32_t units, const float *sources, const float *gradients,       \
                                    bool begins, float *sums) {                                                       \
    static const int8_t columns[] = WINOGRAD_COLUMNS;                                                                 \
    winograd_gradient_tile(V, columns[V - 1], count, units, sources, gradients, begins, sums);                        \
  }
TILE(1) TILE(2) TILE(3)
#undef TILE

static const winograd_gradient_function winograd_gradient_tiles[WINOGRAD_GRADIENT_VECTORS] = {
    winograd_gradient_1, winograd_gradient_2, winograd_gradient_3};

/// The gradient of one unit's pixels for LANES targets: 36 points of its LANES / 4 tiles. `tile` receives the points of
/// the unit's first tile; the next one's follow `tile_step` floats behind.
static void winograd_gradient_unit(const tutti_weight_gradient *job, const winograd_grid *grid, winograd_unit unit,
                                   int32_t first_target, int32_t targets, float *tile, ptrdiff_t tile_step,
                                   ptrdiff_t stride) {
  vector pixels[4][LANES];
  const int32_t parts = grid->parts, width = LANES / parts, left = job->width - unit.x;
  const int32_t count = left < width ? left : width;
  for (int32_t i = 0; i < 4; i += 1) {
    vector a[LANES];
    for (int32_t part = 0; part < parts; part += 1) {
      const int32_t y = unit.row + 4 * part + i;
      const float *g = job->gradient + first_target * job->gradient_channel_stride +
                       ((ptrdiff_t)unit.plane * job->gradient_rows + y) * job->gradient_pitch + unit.x;
      const bool inside = y < job->gradient_rows;
      if (inside && targets == LANES && count == LANES) {
        UNROLL for (int c = 0; c < LANES; c += 1) a[c] = load(g + c * job->gradient_channel_stride);
      } else {
        UNROLL for (int c = 0; c < LANES; c += 1) {
          a[c] = inside && c < targets ? load_first(g + c * job->gradient_channel_stride, count) : (vector)0;
        }
      }
      transpose_lanes(a);
      if (parts == 1) {
        UNROLL for (int x = 0; x < LANES; x += 1) pixels[i][x] = a[x];
      } else {
        for (int32_t x = 0; x < width; x += 1) pixels[i][part * width + x] = a[x];
      }
    }
  }
  for (int32_t l = 0; l < LANES / 4; l += 1, tile += tile_step) {
    vector t[24];  // [column][point along y]
    UNROLL for (int x = 0; x < 4; x += 1) {
      const vector column[4] = {pixels[0][4 * l + x], pixels[1][4 * l + x], pixels[2][4 * l + x], pixels[3][4 * l + x]};
      winograd_gradient_input(column, t + 6 * x);
    }
    float *to = tile;
    UNROLL for (int i = 0; i < 6; i += 1) {
      const vector row[4] = {t[i], t[6 + i], t[12 + i], t[18 + i]};
      vector m[6];
      winograd_gradient_input(row, m);
      UNROLL for (int j = 0; j < 6; j += 1, to += stride) *(vector *)to = m[j];
    }
  }
}

/// How much of one call's work is done together, and where it lies.
typedef struct {
  int32_t vectors, columns, depth;  // vectors of targets, columns of a tile, depth rounded up to whole tiles
  int32_t together;                 // vectors of tiles
  ptrdiff_t sum_stride, source_stride, gradient_stride;
} winograd_gradient_plan;

static winograd_gradient_plan winograd_plan_gradient(int32_t targets, int32_t depth) {
  winograd_gradient_plan plan = {.vectors = (targets + LANES - 1) / LANES};
  plan.columns = winograd_columns[plan.vectors - 1];
  plan.depth = (depth + plan.columns - 1) / plan.columns * plan.columns;
  const int32_t point = TUTTI_WINOGRAD_POINTS * (int32_t)sizeof(float) * LANES;
  const int32_t left = WINOGRAD_GRADIENT_BYTES - point * plan.depth * plan.vectors;
  const int32_t fit = left / point / (plan.depth + plan.vectors * LANES);
  plan.together = fit < 1 ? 1 : fit > WINOGRAD_GRADIENT_TILES ? WINOGRAD_GRADIENT_TILES : fit;
  plan.sum_stride = (ptrdiff_t)plan.depth * plan.vectors * LANES + 16;
  plan.source_stride = (ptrdiff_t)plan.depth * plan.together * LANES + 16;
  plan.gradient_stride = (ptrdiff_t)plan.together * LANES * plan.vectors * LANES + 16;
  return plan;
}

static size_t winograd_gradient_scratch(int32_t targets, int32_t depth) {
  if (targets > WINOGRAD_GRADIENT_VECTORS * LANES) targets = WINOGRAD_GRADIENT_VECTORS * LANES;
  const winograd_gradient_plan plan = winograd_plan_gradient(targets, depth);
  return TUTTI_WINOGRAD_POINTS * (size_t)(plan.sum_stride + plan.source_stride + plan.gradient_stride);
}

static void winograd_gradient_block(const tutti_weight_gradient *job, int32_t first_target, int32_t targets,
                                    int32_t first_source, int32_t last_source, float *first_result, float *scratch) {
  const int32_t sources = last_source - first_source;
  const winograd_gradient_plan plan = winograd_plan_gradient(targets, job->z_taps * sources);
  const tutti_winograd image = {
      .source = job->source,
      .source_channel_stride = job->source_channel_stride,
      .source_pitch = job->source_pitch,
      .samples = 1,
      .planes = job->gradient_planes,
      .rows = job->gradient_rows,
      .width = job->width,
      .z_taps = job->z_taps,
  };
  const winograd_grid grid = winograd_grid_of(&image);
  const int32_t all = winograd_vectors(&image);
  float *const sums = scratch;
  float *const points = sums + TUTTI_WINOGRAD_POINTS * plan.sum_stride;
  float *const gradients = points + TUTTI_WINOGRAD_POINTS * plan.source_stride;
  const ptrdiff_t block = (ptrdiff_t)plan.together * plan.columns * LANES;  // of one tile's columns
  const ptrdiff_t tile = (ptrdiff_t)plan.vectors * LANES;
  for (int32_t begin = 0; begin < all; begin += plan.together) {
    const int32_t vectors = all - begin < plan.together ? all - begin : plan.together;
    for (int32_t v = 0; v < vectors; v += 1) {
      for (int32_t tz = 0; tz < job->z_taps; tz += 1) {
        const bool shares = winograd_shares(&image, &grid, begin + v, tz);
        winograd_rows rows;
        if (!shares) winograd_find_rows(&image, &grid, begin + v, tz, &rows);
        for (int32_t c = 0; c < sources; c += 1) {
          const int32_t k = tz * sources + c, next = k + sources;
          float *const to = points + k / plan.columns * block + (v * plan.columns + k % plan.columns) * LANES;
          if (shares) {
            const int32_t before = v > 0 ? v - 1 : plan.together - 1;
            winograd_copy_points(
                points + next / plan.columns * block + (before * plan.columns + next % plan.columns) * LANES, to,
                plan.source_stride);
          } else {
            winograd_inputs(&image, &grid, &rows, first_source + c, first_source + c + 1, to, 0, plan.source_stride);
          }
        }
      }
      for (int32_t u = 0; u < WINOGRAD_UNITS; u += 1) {
        const int32_t index = (begin + v) * WINOGRAD_UNITS + u;
        if (index >= grid.count) break;
        const winograd_unit unit = winograd_unit_at(&image, &grid, index);
        for (int32_t c = 0; c < targets; c += LANES) {
          winograd_gradient_unit(job, &grid, unit, first_target + c, targets - c < LANES ? targets - c : LANES,
                                 gradients + (v * LANES + u) * tile + c, WINOGRAD_UNITS * tile, plan.gradient_stride);
        }
      }
    }
    const int32_t left = grid.count - (begin + vectors - 1) * WINOGRAD_UNITS;
    const int32_t units = left < WINOGRAD_UNITS ? left : WINOGRAD_UNITS;
    for (int32_t point = 0; point < TUTTI_WINOGRAD_POINTS; point += 1) {
      for (int32_t k = 0; k < plan.depth; k += plan.columns) {
        winograd_gradient_tiles[plan.vectors - 1](
            vectors, units, points + point * plan.source_stride + k / plan.columns * block,
            gradients + point * plan.gradient_stride, begin == 0, sums + point * plan.sum_stride + k * tile);
      }
    }
  }
  const ptrdiff_t taps = 9 * (ptrdiff_t)job->z_taps;
  for (int32_t k = 0; k < job->z_taps * sources; k += 1) {
    const int32_t tz = k / sources, source = k % sources;
    for (int32_t c = 0; c < targets; c += LANES) {
      const float *from = sums + k * tile + c;
      vector t[18];  // [point along x][row]
      UNROLL for (int j = 0; j < 6; j += 1) {
        vector column[6];
        UNROLL for (int i = 0; i < 6; i += 1) column[i] = *(const vector *)(from + (6 * i + j) * plan.sum_stride);
        winograd_gradient_weight(column, t + 3 * j);
      }
      vector w[16];
      UNROLL for (int i = 0; i < 3; i += 1) {
        const vector row[6] = {t[i], t[3 + i], t[6 + i], t[9 + i], t[12 + i], t[15 + i]};
        winograd_gradient_weight(row, w + 3 * i);
      }
      float *result = first_result + c * job->result_stride + source * taps + 9 * tz;
      const int32_t lanes = targets - c < LANES ? targets - c : LANES;
#if LANES == 16
      UNROLL for (int i = 9; i < 16; i += 1) w[i] = (vector)0;
      transpose_lanes(w);
      for (int32_t i = 0; i < lanes; i += 1, result += job->result_stride) {
        store_first(result, job->accumulate ? load_first(result, 9) + w[i] : w[i], 9);
      }
#else
      for (int32_t i = 0; i < lanes; i += 1, result += job->result_stride) {
        for (int32_t tap = 0; tap < 9; tap += 1) result[tap] = job->accumulate ? result[tap] + w[tap][i] : w[tap][i];
      }
#endif
    }
  }
}

static void winograd_gradient(const tutti_weight_gradient *job, int32_t first_target, int32_t last_target,
                              int32_t first_source, int32_t last_source, float *scratch) {
  const int32_t targets = last_target - first_target, most = WINOGRAD_GRADIENT_VECTORS * LANES;
  for (int32_t c = 0; c < targets; c += most) {
    winograd_gradient_block(job, first_target + c, targets - c < most ? targets - c : most, first_source, last_source,
                            job->result + c * job->result_stride, scratch);
  }
}
