// Convolutions by F(4×4, 3×3). Included by instruction_sets/kernels.h.

enum {
  WINOGRAD_INPUT_BYTES = 160 << 10,      // of transformed sources that stay in the second cache,
  WINOGRAD_COLUMN_BYTES = 380 << 10,     // of those that the vectors of a column share,
  WINOGRAD_OUTPUT_BYTES = 110 << 10,     // and of sums
  WINOGRAD_COLUMN_OUTPUT_BYTES = 250 << 10,
  WINOGRAD_MOST_VECTORS = 6,             // worked together
};

// MARK: Products

/// Transformed sources: floats from a channel to the next, and from what one tap along z reads to the next.
typedef struct {
  int32_t channels, z_taps;
  ptrdiff_t step, tap_step;
} winograd_sources;

/// The register tile of one point: WINOGRAD_CHANNELS targets × `vectors` of tiles, summed over all taps along z and
/// sources.
INLINE void winograd_tile(const int vectors, const winograd_sources *from, const float *weights, const float *sources,
                          float *sums, ptrdiff_t stride) {
  vector a[WINOGRAD_CHANNELS * 3];
  UNROLL for (int i = 0; i < WINOGRAD_CHANNELS * vectors; i += 1) a[i] = (vector)0;
  const ptrdiff_t step = from->step;
  for (int32_t tz = 0; tz < from->z_taps; tz += 1) {
    const float *source = sources + tz * from->tap_step;
    _Pragma("clang loop unroll_count(2)") for (int32_t k = 0; k < from->channels; k += 1) {
      vector s[3];
      UNROLL for (int v = 0; v < vectors; v += 1) s[v] = *(const vector *)(source + v * LANES);
      UNROLL for (int c = 0; c < WINOGRAD_CHANNELS; c += 1) {
        const vector w = (vector)weights[c];
        UNROLL for (int v = 0; v < vectors; v += 1) a[c * vectors + v] = multiply_add(w, s[v], a[c * vectors + v]);
      }
      source += step;
      weights += LANES;
    }
  }
  UNROLL for (int c = 0; c < WINOGRAD_CHANNELS; c += 1) {
    UNROLL for (int v = 0; v < vectors; v += 1) *(vector *)(sums + c * stride + v * LANES) = a[c * vectors + v];
  }
}

static void winograd_tile_1(const winograd_sources *from, const float *w, const float *s, float *sums,
                            ptrdiff_t stride) {
  winograd_tile(1, from, w, s, sums, stride);
}
static void winograd_tile_2(const winograd_sources *from, const float *w, const float *s, float *sums,
                            ptrdiff_t stride) {
  winograd_tile(2, from, w, s, sums, stride);
}
static void winograd_tile_3(const winograd_sources *from, const float *w, const float *s, float *sums,
                            ptrdiff_t stride) {
  winograd_tile(3, from, w, s, sums, stride);
}

static void winograd_products(int32_t vectors, const winograd_sources *from, const float *weights, const float *sources,
                              float *sums, ptrdiff_t stride) {
  for (int32_t v = 0; v < vectors;) {
    const int32_t left = vectors - v;
    if (left >= 5 || left == 3) {
      winograd_tile_3(from, weights, sources + v * LANES, sums + v * LANES, stride);
      v += 3;
    } else if (left >= 2) {
      winograd_tile_2(from, weights, sources + v * LANES, sums + v * LANES, stride);
      v += 2;
    } else {
      winograd_tile_1(from, weights, sources + v * LANES, sums + v * LANES, stride);
      v += 1;
    }
  }
}

// MARK: Results

/// Writes one channel of a vector of tiles from its points.
static void winograd_result(const tutti_winograd *job, const winograd_grid *grid, int32_t index, const float *points,
                            ptrdiff_t stride, int32_t channel) {
  vector t[24];  // [row][point along x]
  UNROLL for (int j = 0; j < 6; j += 1) {
    vector m[6], y[4];
    UNROLL for (int i = 0; i < 6; i += 1) m[i] = *(const vector *)(points + (6 * i + j) * stride);
    winograd_output(m, y);
    UNROLL for (int i = 0; i < 4; i += 1) t[6 * i + j] = y[i];
  }
  const vector bias = job->bias != NULL ? (vector)job->bias[channel] : (vector)0;
  vector y[16];
  UNROLL for (int i = 0; i < 4; i += 1) {
    winograd_output(t + 6 * i, y + 4 * i);
    UNROLL for (int x = 0; x < 4; x += 1) y[4 * i + x] += bias;
    transpose_quads(y + 4 * i);
  }
  UNROLL for (int u = 0; u < WINOGRAD_UNITS; u += 1) {
    if (index * WINOGRAD_UNITS + u >= grid->count) continue;
    const winograd_unit unit = winograd_unit_at(job, grid, index * WINOGRAD_UNITS + u);
    float *p = job->target + unit.sample * job->target_sample_stride + channel * job->target_channel_stride +
               ((ptrdiff_t)unit.plane * job->rows + unit.row) * job->target_pitch + unit.x;
    const int32_t pixels = job->width - unit.x, rows = job->rows - unit.row;
#if LANES == 16
    if (grid->parts > 1) {
      UNROLL for (int i = 0; i < 4; i += 1, p += job->target_pitch) {
        const vector v = y[4 * i + u];
        const vector high = __builtin_shufflevector(v, v, 8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7);
        float *q = p + 4 * job->target_pitch;
        if (i < rows) store_first(p, job->accumulate ? load_first(p, pixels) + v : v, pixels);
        if (i + 4 < rows) store_first(q, job->accumulate ? load_first(q, pixels) + high : high, pixels);
      }
      continue;
    }
#endif
    UNROLL for (int i = 0; i < 4; i += 1, p += job->target_pitch) {
      const vector v = y[4 * i + u];
      if (i >= rows) continue;
      if (pixels >= LANES) {
        store(p, job->accumulate ? load(p) + v : v);
      } else {
        store_first(p, job->accumulate ? load_first(p, pixels) + v : v, pixels);
      }
    }
  }
}

/// How many vectors and target channels are worked together, and where their points lie.
typedef struct {
  int32_t depth, vectors, channels;
  bool columns;             // vectors of a column share sources: one slot for each plane that their taps read
  winograd_sources sources;
  ptrdiff_t source_stride, sum_stride;  // from a point to the next, so that they fall into different sets of the cache
} winograd_plan;

static winograd_plan winograd_plan_of(const tutti_winograd *job, bool columns) {
  winograd_plan plan = {.depth = job->z_taps * job->source_channels, .columns = columns};
  const int32_t bytes = TUTTI_WINOGRAD_POINTS * LANES * (int32_t)sizeof(float), least = 2;
  const int32_t fit = columns ? WINOGRAD_COLUMN_BYTES / bytes / job->source_channels - 2
                              : WINOGRAD_INPUT_BYTES / bytes / plan.depth;
  plan.vectors = fit < least ? least : fit > WINOGRAD_MOST_VECTORS ? WINOGRAD_MOST_VECTORS : fit;
  const int32_t slots = columns ? plan.vectors + 2 : plan.vectors;
  plan.sources = (winograd_sources){job->source_channels, job->z_taps, (ptrdiff_t)slots * LANES, LANES};
  if (!columns) plan.sources.tap_step = job->source_channels * plan.sources.step;
  const int32_t all = (job->target_channels + WINOGRAD_CHANNELS - 1) / WINOGRAD_CHANNELS * WINOGRAD_CHANNELS;
  const int32_t output = columns ? WINOGRAD_COLUMN_OUTPUT_BYTES : WINOGRAD_OUTPUT_BYTES;
  const int32_t some = output / bytes / plan.vectors / WINOGRAD_CHANNELS * WINOGRAD_CHANNELS;
  plan.channels = some < WINOGRAD_CHANNELS ? WINOGRAD_CHANNELS : some < all ? some : all;
  plan.source_stride = (ptrdiff_t)(columns ? job->source_channels : plan.depth) * slots * LANES + 16;
  plan.sum_stride = (ptrdiff_t)plan.channels * plan.vectors * LANES + 16;
  return plan;
}

static int32_t winograd_together(const tutti_winograd *job) {
  const bool columns = winograd_grid_of(job).columns;
  const int32_t vectors = winograd_plan_of(job, columns).vectors;
  return columns && job->planes > vectors ? job->planes : vectors;
}

static size_t winograd_scratch(const tutti_winograd *job) {
  const winograd_plan plain = winograd_plan_of(job, false), columns = winograd_plan_of(job, job->z_taps > 1);
  const ptrdiff_t a = plain.source_stride + plain.sum_stride, b = columns.source_stride + columns.sum_stride;
  return TUTTI_WINOGRAD_POINTS * (size_t)(a > b ? a : b);
}

static void winograd_run(const tutti_winograd *job, int32_t first, int32_t last, float *scratch) {
  const winograd_grid grid = winograd_grid_of(job);
  const winograd_plan plan = winograd_plan_of(job, grid.columns);
  const ptrdiff_t weight_stride = winograd_weight_stride(job->target_channels, plan.depth);
  float *const sums = scratch + TUTTI_WINOGRAD_POINTS * plan.source_stride;
  const ptrdiff_t step = plan.sources.step;
  for (int32_t begin = first; begin < last;) {
    int32_t vectors = last - begin < plan.vectors ? last - begin : plan.vectors;
    if (plan.columns) {
      // Planes before and behind those of the vectors; the first two are there when the column goes on.
      const int32_t plane = begin % job->planes;
      if (vectors > job->planes - plane) vectors = job->planes - plane;
      const bool goes_on = begin > first && plane > 0;
      for (int32_t slot = 0; slot < vectors + 2; slot += 1) {
        float *const points = scratch + slot * LANES;
        if (goes_on && slot < 2) {
          for (int32_t c = 0; c < job->source_channels; c += 1) {
            winograd_copy_points(points + c * step + plan.vectors * LANES, points + c * step, plan.source_stride);
          }
          continue;
        }
        winograd_rows rows;
        winograd_find_rows(job, &grid, begin - plane, plane + slot, &rows);
        winograd_inputs(job, &grid, &rows, 0, job->source_channels, points, step, plan.source_stride);
      }
    } else {
      for (int32_t v = 0; v < vectors; v += 1) {
        for (int32_t tz = 0; tz < job->z_taps; tz += 1) {
          winograd_rows rows;
          winograd_find_rows(job, &grid, begin + v, tz, &rows);
          winograd_inputs(job, &grid, &rows, 0, job->source_channels,
                          scratch + tz * plan.sources.tap_step + v * LANES, step, plan.source_stride);
        }
      }
    }
    const ptrdiff_t sum_step = (ptrdiff_t)vectors * LANES;
    for (int32_t channel = 0; channel < job->target_channels; channel += plan.channels) {
      const int32_t left = job->target_channels - channel, channels = left < plan.channels ? left : plan.channels;
      for (int32_t point = 0; point < TUTTI_WINOGRAD_POINTS; point += 1) {
        for (int32_t c = 0; c < channels; c += WINOGRAD_CHANNELS) {
          winograd_products(vectors, &plan.sources,
                            job->weights + point * weight_stride +
                                (ptrdiff_t)(channel + c) / LANES * LANES * plan.depth + (channel + c) % LANES,
                            scratch + point * plan.source_stride, sums + point * plan.sum_stride + c * sum_step,
                            sum_step);
        }
      }
      for (int32_t c = 0; c < channels; c += 1) {
        for (int32_t v = 0; v < vectors; v += 1) {
          winograd_result(job, &grid, begin + v, sums + c * sum_step + v * LANES, plan.sum_stride, channel + c);
        }
      }
    }
    begin += vectors;
  }
}
