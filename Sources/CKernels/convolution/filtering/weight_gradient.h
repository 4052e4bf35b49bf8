// Weight gradients by minimal filtering along y: the adjoint of convolution/filtering/quads.h. Included by
// instruction_sets/kernels.h.
//
// The sum over pixels becomes, for each of six points, one over quads, of (transformed source) × (transformed
// gradient). Lanes are pixels of a row, as in convolution/weight_gradient/pixels.h.

enum {
  FILTERING_GRADIENT_QUADS = 3,          // worked together, at most, and
  FILTERING_GRADIENT_BYTES = 200 << 10,  // of their transformed gradients
};

/// Where a quad's rows are.
typedef struct {
  int32_t z, y;
  ptrdiff_t places[6];
} gradient_quad;

/// How much of one call's work is done together, and where it lies. Of some quads the gradients are transformed at
/// once, the sources as many as a tile takes, so that they stay in the nearest cache: [channel][quad][point][pixel].
typedef struct {
  int32_t target_blocks, source_blocks, most_sources;
  int32_t tile_sums;       // vectors of sums of a tile, in whole groups of lanes
  int32_t quads, band;     // worked together; summed in float32 before they enter the float64 totals
  filtering_plan rows;
  ptrdiff_t gradient_row;
  ptrdiff_t sums;
} filtering_gradient_plan;

static filtering_gradient_plan plan_filtering_gradient(const tutti_filtering_gradient *job) {
  filtering_gradient_plan plan;
  const int32_t largest = tutti_block_at(0, job->target_channels, GRADIENT_TARGETS).count;
  plan.most_sources = gradient_sources[0][largest - 1];
  plan.target_blocks = tutti_block_count(job->target_channels, GRADIENT_TARGETS);
  plan.source_blocks = tutti_block_count(job->source_channels, plan.most_sources);
  plan.tile_sums = (largest * plan.most_sources * job->x_taps + LANES - 1) / LANES * LANES;
  plan.rows = plan_filtering(job->x_shift, job->x_taps, 0, job->width);
  const int32_t vectors = (job->width + LANES - 1) / LANES;
  plan.gradient_row = (ptrdiff_t)vectors * LANES;
  const int64_t bytes = TUTTI_FILTERING_POINTS * (int64_t)sizeof(float) * plan.gradient_row * job->target_channels;
  const int64_t fit = FILTERING_GRADIENT_BYTES / bytes;
  plan.quads = fit < 1 ? 1 : fit > FILTERING_GRADIENT_QUADS ? FILTERING_GRADIENT_QUADS : (int32_t)fit;
  plan.band = vectors >= GRADIENT_STEPS ? 1 : GRADIENT_STEPS / vectors;
  plan.sums = (ptrdiff_t)TUTTI_FILTERING_POINTS * plan.target_blocks * plan.source_blocks * plan.tile_sums;
  return plan;
}

static size_t filtering_gradient_scratch(const tutti_filtering_gradient *job) {
  const filtering_gradient_plan plan = plan_filtering_gradient(job);
  const ptrdiff_t quad = plan.quads * TUTTI_FILTERING_POINTS;
  return (size_t)(quad * (plan.most_sources * plan.rows.row + job->target_channels * plan.gradient_row) +
                  plan.sums * (LANES + 2)) + 2 * LANES;
}

/// Four gradient rows of one channel to six points; rows that are not there are zeros, and so are pixels beyond the
/// width. What lies `ahead` comes into the second cache.
INLINE void filter_gradient(const float *rows, ptrdiff_t row, int32_t count, int32_t width, ptrdiff_t ahead, float *to,
                            ptrdiff_t point) {
  for (int32_t x = 0; x < width; x += LANES, to += LANES) {
    UNROLL for (int i = 0; i < 4; i += 1) __builtin_prefetch(rows + ahead + i * row + x, 0, 2);
    vector d[4], m[6];
    if (count == 4 && width - x >= LANES) {
      UNROLL for (int i = 0; i < 4; i += 1) d[i] = load(rows + i * row + x);
    } else {
      const int32_t some = width - x < LANES ? width - x : LANES;
      UNROLL for (int i = 0; i < 4; i += 1) d[i] = i < count ? load_first(rows + i * row + x, some) : (vector)0;
    }
    points_gradient_input(FILTERING_P, FILTERING_Q, d, m);
    UNROLL for (int i = 0; i < 6; i += 1) *(vector *)(to + i * point) = m[i];
  }
}

/// Transforms the gradients of a quad, number t of those worked together.
static void filter_gradients(const tutti_filtering_gradient *job, const filtering_gradient_plan *plan,
                             const gradient_quad *quad, int32_t t, float *gradients) {
  const int32_t left = (job->rows - quad->y + job->dilation - 1) / job->dilation, rows = left < 4 ? left : 4;
  const int32_t below = job->dilation > plan->quads ? job->dilation : plan->quads;
  for (int32_t c = 0; c < job->target_channels; c += 1) {
    filter_gradient(job->gradients[c] + ((ptrdiff_t)quad->z * job->rows + quad->y) * job->gradient_pitch,
                    (ptrdiff_t)job->dilation * job->gradient_pitch, rows, job->width,
                    4 * (ptrdiff_t)below * job->gradient_pitch,
                    gradients + ((ptrdiff_t)c * plan->quads + t) * TUTTI_FILTERING_POINTS * plan->gradient_row,
                    plan->gradient_row);
  }
}

/// Adds what `quads` quads give to the sums of all tiles.
static void filter_gradient_sums(const tutti_filtering_gradient *job, const filtering_gradient_plan *plan,
                                 int32_t quads, const gradient_quad *quad, float *sources, const float *gradients,
                                 vector *sums) {
  const ptrdiff_t source_quad = TUTTI_FILTERING_POINTS * plan->rows.row;
  const ptrdiff_t gradient_quad = TUTTI_FILTERING_POINTS * plan->gradient_row;
  gradient_step steps[FILTERING_GRADIENT_QUADS];
  for (int32_t t = 0; t < quads; t += 1) steps[t] = (gradient_step){t * source_quad, {t * gradient_quad}};
  int32_t shift[GRADIENT_X_TAPS];
  for (int32_t t = 0; t < job->x_taps; t += 1) shift[t] = job->x_shift[t] + plan->rows.reach;
  gradient_run run = {
      .gradient_channel_stride = plan->quads * gradient_quad,
      .source_channel_stride = plan->quads * source_quad,
      .steps = steps,
      .count = quads,
      .x_shift = shift,
      .y_taps = 1,
      .width = job->width,
  };
  // What the next quads need comes into the second cache meanwhile.
  const int32_t below = job->dilation > plan->quads ? job->dilation : plan->quads;
  for (int32_t s = 0; s < plan->source_blocks; s += 1) {
    const tutti_block from = tutti_block_at(s, job->source_channels, plan->most_sources);
    for (int32_t t = 0; t < quads; t += 1) {
      filter_sources(job->sources + from.first, from.count, quad[t].places, 4 * (ptrdiff_t)below * job->source_pitch,
                     -plan->rows.reach, plan->rows.last, sources + t * source_quad, plan->quads * source_quad,
                     plan->rows.row);
    }
    for (int32_t k = 0; k < TUTTI_FILTERING_POINTS; k += 1) {
      run.source = sources + k * plan->rows.row;
      for (int32_t c = 0; c < plan->target_blocks; c += 1, sums += plan->tile_sums) {
        const tutti_block to = tutti_block_at(c, job->target_channels, GRADIENT_TARGETS);
        run.gradient = gradients + to.first * plan->quads * gradient_quad + k * plan->gradient_row;
        gradient_tiles[to.count - 1][from.count - 1][0][job->x_taps - 1](&run, sums);
      }
    }
  }
}

/// Adds the lanes of all sums to the totals, and begins them anew.
static void filter_gradient_totals(const filtering_gradient_plan *plan, vector *sums, double *totals) {
  for (ptrdiff_t i = 0; i < plan->sums; i += LANES) {
    const wide sum = __builtin_convertvector(lane_sums(sums + i), wide);
    for (int32_t l = 0; l < LANES; l += 1) totals[i + l] += sum[l];
    for (int32_t l = 0; l < LANES; l += 1) sums[i + l] = (vector)0;
  }
}

/// Six points to three weights, as winograd_gradient_weight.
INLINE void filter_gradient_weight(const double *g, double *w) {
  const double p = FILTERING_P, q = FILTERING_Q, np = 2 * p * p * (p * p - q * q), nq = 2 * q * q * (q * q - p * p);
  const double a = g[1] + g[2], b = g[1] - g[2], c = g[3] + g[4], d = g[3] - g[4];
  w[0] = g[0] / (p * p * q * q) + (a / np + c / nq);
  w[1] = p / np * b + q / nq * d;
  w[2] = p * p / np * a + (q * q / nq * c + g[5]);
}

/// Writes the weights of one tap along z, or adds them to what is there.
static void filter_gradient_results(const tutti_filtering_gradient *job, const filtering_gradient_plan *plan,
                                    int32_t tz, const double *totals) {
  const ptrdiff_t taps = (ptrdiff_t)job->z_taps * 3 * job->x_taps;
  const ptrdiff_t point = (ptrdiff_t)plan->target_blocks * plan->tile_sums;
  for (int32_t s = 0; s < plan->source_blocks; s += 1, totals += TUTTI_FILTERING_POINTS * point) {
    const tutti_block from = tutti_block_at(s, job->source_channels, plan->most_sources);
    for (int32_t c = 0; c < plan->target_blocks; c += 1) {
      const tutti_block to = tutti_block_at(c, job->target_channels, GRADIENT_TARGETS);
      const double *total = totals + c * plan->tile_sums;
      for (int32_t pair = 0; pair < to.count * from.count; pair += 1) {
        float *result = job->results[to.first + pair / from.count] + (from.first + pair % from.count) * taps +
                        (ptrdiff_t)tz * 3 * job->x_taps;
        for (int32_t tx = 0; tx < job->x_taps; tx += 1, total += 1) {
          double g[6], w[3];
          for (int32_t k = 0; k < TUTTI_FILTERING_POINTS; k += 1) g[k] = total[k * point];
          filter_gradient_weight(g, w);
          for (int32_t ty = 0; ty < 3; ty += 1) {
            float *r = result + ty * job->x_taps + tx;
            *r = job->accumulate ? *r + (float)w[ty] : (float)w[ty];
          }
        }
      }
    }
  }
}

static void filtering_weight_gradient(const tutti_filtering_gradient *job, float *scratch) {
  if (job->target_channels <= 0 || job->source_channels <= 0) return;
  const filtering_gradient_plan plan = plan_filtering_gradient(job);
  float *const sources = scratch;
  float *const gradients = sources + plan.quads * plan.most_sources * TUTTI_FILTERING_POINTS * plan.rows.row;
  vector *const sums =
      (vector *)(gradients + (ptrdiff_t)plan.quads * job->target_channels * TUTTI_FILTERING_POINTS * plan.gradient_row);
  double *const totals = (double *)(sums + plan.sums);
  const int32_t quads = tutti_filtering_quads(job->rows, job->dilation);
  for (int32_t tz = 0; tz < job->z_taps; tz += 1) {
    for (ptrdiff_t i = 0; i < plan.sums; i += 1) sums[i] = (vector)0, totals[i] = 0;
    gradient_quad ready[FILTERING_GRADIENT_QUADS];
    int32_t count = 0, in_band = 0;  // quads whose gradients are transformed, and those in the sums
    for (int32_t z = 0; z < job->planes; z += 1) {
      const int32_t zs = row_of_tap(job->z, z, tz);
      if (zs < 0) continue;
      for (int32_t i = 0; i < quads; i += 1) {
        gradient_quad *quad = &ready[count];
        quad->z = z, quad->y = quad_row(i, job->dilation);
        quad_places(job->row_of, job->dilation, job->rows, job->source_pitch, zs, quad->y, quad->places);
        filter_gradients(job, &plan, quad, count, gradients);
        count += 1;
        if (count < plan.quads && in_band + count < plan.band) continue;
        filter_gradient_sums(job, &plan, count, ready, sources, gradients, sums);
        in_band += count, count = 0;
        if (in_band < plan.band) continue;
        filter_gradient_totals(&plan, sums, totals);
        in_band = 0;
      }
    }
    if (count > 0) filter_gradient_sums(job, &plan, count, ready, sources, gradients, sums);
    if (count + in_band > 0) filter_gradient_totals(&plan, sums, totals);
    filter_gradient_results(job, &plan, tz, totals);
  }
}
