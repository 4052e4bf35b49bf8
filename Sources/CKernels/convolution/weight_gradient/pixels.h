// The gradient of a convolution's weights: which sums are worked together. Included by instruction_sets/kernels.h.

enum {
  GRADIENT_STEPS = 512,          // vectors of a band: summed in float32 before they enter the float64 totals
  GRADIENT_ROWS = 8,             // worked tap by tap, where taps are not joined, while they are in the nearest cache
  GRADIENT_TILES = 160,          // whose totals are kept side by side
  GRADIENT_TARGET_BLOCKS = 4,    // of them, at most, and
  GRADIENT_TAP_BLOCKS = 16,      // such blocks of taps
  GRADIENT_CACHED = 640 << 10,   // bytes of a band of the channels worked together
};

/// Rows of a plane pair worked in one call of a tile: steps of the list for `joined` taps along y from `first_tap` on.
typedef struct {
  int32_t first_step, steps;
  int16_t first_tap, joined;
} gradient_rows;

/// The rows of a band: which source row meets which gradient rows, for one block of taps along y.
typedef struct {
  gradient_step steps[GRADIENT_Y_TAPS * GRADIENT_STEPS];
  gradient_rows runs[GRADIENT_Y_TAPS * GRADIENT_STEPS];
  int32_t step_count, run_count;
} gradient_list;

/// The entry of target index i whose tap is `tap`, or -1.
static int32_t entry_of_tap(tutti_axis map, int32_t i, int32_t tap) {
  const int32_t first = map.start[i], last = map.start[i + 1];
  if (tap < last - first && map.tap[first + tap] == tap) return first + tap;
  for (int32_t e = first; e < last; e += 1) {
    if (map.tap[e] == tap) return e;
  }
  return -1;
}

/// The source row of a gradient row for one tap, or -1.
static int32_t row_of_tap(tutti_axis map, int32_t y, int32_t tap) {
  const int32_t entry = entry_of_tap(map, y, tap);
  return entry < 0 ? -1 : map.source[entry];
}

static void add_step(gradient_list *list, int32_t first_tap, int32_t joined, gradient_step step) {
  gradient_rows *run = list->run_count > 0 ? &list->runs[list->run_count - 1] : NULL;
  if (run == NULL || run->first_tap != first_tap || run->joined != joined) {
    run = &list->runs[list->run_count];
    *run = (gradient_rows){list->step_count, 0, (int16_t)first_tap, (int16_t)joined};
    list->run_count += 1;
  }
  list->steps[list->step_count] = step;
  list->step_count += 1;
  run->steps += 1;
}

/// Lists rows y0 ..< y1 tap by tap, in groups.
static void list_rows(const tutti_weight_gradient *job, tutti_block taps, int32_t y0, int32_t y1, gradient_list *list) {
  list->step_count = list->run_count = 0;
  for (int32_t y = y0; y < y1; y += GRADIENT_ROWS) {
    for (int32_t t = 0; t < taps.count; t += 1) {
      for (int32_t i = y; i < y1 && i < y + GRADIENT_ROWS; i += 1) {
        const int32_t source = row_of_tap(job->y, i, taps.first + t);
        if (source < 0) continue;
        add_step(list, t, 1,
                 (gradient_step){(ptrdiff_t)source * job->source_pitch, {(ptrdiff_t)i * job->gradient_pitch}});
      }
    }
  }
}

/// Lists rows y0 ..< y1 such that taps that read the same source row are joined. Every tap takes its gradient rows in
/// rising order, however they are joined; taps advance as on a plane without borders.
static void list_joined_rows(const tutti_weight_gradient *job, tutti_block taps, int32_t y0, int32_t y1,
                             gradient_list *list) {
  const tutti_axis map = job->y;
  const int32_t rows = job->gradient_rows;
  list->step_count = list->run_count = 0;
  const int32_t middle = rows / 2, next = middle + 1 < rows ? middle + 1 : middle;
  const int32_t here = row_of_tap(map, middle, taps.first), below = row_of_tap(map, next, taps.first);
  const int32_t second = taps.count > 1 ? row_of_tap(map, middle, taps.first + 1) : -1;
  const int64_t stride = here >= 0 && below > here ? below - here : 1;
  const int64_t dilation = here >= 0 && second > here ? second - here : 1;
  int32_t y[GRADIENT_Y_TAPS], source[GRADIENT_Y_TAPS];
  for (int32_t t = 0; t < taps.count; t += 1) {
    for (y[t] = y0; y[t] < y1; y[t] += 1) {
      source[t] = row_of_tap(map, y[t], taps.first + t);
      if (source[t] >= 0) break;
    }
  }
  while (true) {
    int32_t first = -1;
    int64_t least = 0;
    for (int32_t t = 0; t < taps.count; t += 1) {
      const int64_t place = y[t] * stride + t * dilation;
      if (y[t] < y1 && (first < 0 || place < least)) first = t, least = place;
    }
    if (first < 0) return;
    const int32_t row = source[first];
    gradient_step step = {.source = (ptrdiff_t)row * job->source_pitch};
    int32_t joined = 0;
    for (int32_t t = first; t < taps.count && y[t] < y1 && source[t] == row; t += 1, joined += 1) {
      step.gradient[joined] = (ptrdiff_t)y[t] * job->gradient_pitch;
    }
    for (int32_t t = first; t < first + joined; t += 1) {
      for (y[t] += 1; y[t] < y1; y[t] += 1) {
        source[t] = row_of_tap(map, y[t], taps.first + t);
        if (source[t] >= 0) break;
      }
    }
    add_step(list, first, joined, step);
  }
}

/// How a call's channels and taps are cut into blocks, and how large a band of rows or planes is.
typedef struct {
  const tutti_weight_gradient *job;
  tutti_block targets, sources;  // of the call
  int32_t most_targets, most_sources;
  int32_t target_blocks, source_blocks, y_blocks, x_blocks, tap_blocks;
  int32_t band_planes, band_rows;
  bool joined;
} gradient_plan;

typedef struct {
  int32_t tz;
  int32_t y_block;
  tutti_block ty, tx;
} gradient_taps;

static gradient_plan plan_gradient(const tutti_weight_gradient *job, tutti_block targets, tutti_block sources) {
  gradient_plan plan = {.job = job, .targets = targets, .sources = sources, .most_targets = GRADIENT_TARGETS};
  const int32_t largest = tutti_block_at(0, targets.count, GRADIENT_TARGETS).count;
  const int32_t y_taps = tutti_block_at(0, job->y_taps, GRADIENT_Y_TAPS).count;
  plan.most_sources = gradient_sources[y_taps - 1][largest - 1];
  plan.joined = gradient_joined[largest - 1];
  plan.target_blocks = tutti_block_count(targets.count, plan.most_targets);
  plan.source_blocks = tutti_block_count(sources.count, plan.most_sources);
  plan.y_blocks = tutti_block_count(job->y_taps, GRADIENT_Y_TAPS);
  plan.x_blocks = tutti_block_count(job->x_taps, GRADIENT_X_TAPS);
  plan.tap_blocks = plan.y_blocks * job->z_taps * plan.x_blocks;
  // A band is some rows of one plane or, when planes are small, some planes: whatever the channels.
  const int32_t rows = job->gradient_rows, vectors = (job->width + LANES - 1) / LANES;
  const int64_t steps = rows > 0 && vectors > 0 ? (int64_t)rows * vectors : 1;
  plan.band_planes = steps >= GRADIENT_STEPS ? 1 : (int32_t)(GRADIENT_STEPS / steps);
  plan.band_rows = steps < GRADIENT_STEPS ? rows : vectors >= GRADIENT_STEPS ? 1 : GRADIENT_STEPS / vectors;
  return plan;
}

static tutti_block block_of_targets(const gradient_plan *plan, int32_t index) {
  tutti_block block = tutti_block_at(index, plan->targets.count, plan->most_targets);
  block.first += plan->targets.first;
  return block;
}

static tutti_block block_of_sources(const gradient_plan *plan, int32_t index) {
  tutti_block block = tutti_block_at(index, plan->sources.count, plan->most_sources);
  block.first += plan->sources.first;
  return block;
}

static gradient_taps block_of_taps(const gradient_plan *plan, int32_t index) {
  const int32_t zy = index / plan->x_blocks, y_block = zy / plan->job->z_taps;
  return (gradient_taps){
      .tz = zy % plan->job->z_taps,
      .y_block = y_block,
      .ty = tutti_block_at(y_block, plan->job->y_taps, GRADIENT_Y_TAPS),
      .tx = tutti_block_at(index % plan->x_blocks, plan->job->x_taps, GRADIENT_X_TAPS),
  };
}

/// Adds to the totals of one tile what the listed rows of planes z0 ..< z1 give.
static void gradient_band(const tutti_weight_gradient *job, tutti_block targets, tutti_block sources,
                          gradient_taps taps, int32_t z0, int32_t z1, const gradient_list *list, double *totals) {
  const int32_t count = targets.count * sources.count * taps.ty.count * taps.tx.count;
  const int32_t groups = (count + LANES - 1) / LANES;
  vector sums[GRADIENT_SUMS];
  for (int32_t i = 0; i < groups * LANES; i += 1) sums[i] = (vector)0;
  gradient_run run = {
      .gradient_channel_stride = job->gradient_channel_stride,
      .source_channel_stride = job->source_channel_stride,
      .x_shift = job->x_shift + taps.tx.first,
      .y_taps = taps.ty.count,
      .width = job->width,
  };
  for (int32_t z = z0; z < z1; z += 1) {
    const int32_t plane = row_of_tap(job->z, z, taps.tz);
    if (plane < 0) continue;
    run.gradient = job->gradient + targets.first * job->gradient_channel_stride +
                   (ptrdiff_t)z * job->gradient_rows * job->gradient_pitch;
    run.source = job->source + sources.first * job->source_channel_stride +
                 (ptrdiff_t)plane * job->source_rows * job->source_pitch;
    for (int32_t r = 0; r < list->run_count; r += 1) {
      const gradient_rows *rows = &list->runs[r];
      run.steps = list->steps + rows->first_step;
      run.count = rows->steps;
      gradient_tiles[targets.count - 1][sources.count - 1][rows->joined - 1][taps.tx.count - 1](
          &run, sums + rows->first_tap * taps.tx.count);
    }
  }
  for (int32_t group = 0; group < groups; group += 1) {
    const wide sum = __builtin_convertvector(lane_sums(sums + group * LANES), wide);
    for (int32_t i = 0; i < LANES; i += 1) totals[group * LANES + i] += sum[i];
  }
}

/// Writes the totals of one tile, or adds them to what is there.
static void finish_gradient(const gradient_plan *plan, tutti_block targets, tutti_block sources, gradient_taps taps,
                            const double *totals) {
  const tutti_weight_gradient *job = plan->job;
  const ptrdiff_t taps_of_pair = (ptrdiff_t)job->z_taps * job->y_taps * job->x_taps;
  for (int32_t c = targets.first; c < targets.first + targets.count; c += 1) {
    for (int32_t s = sources.first; s < sources.first + sources.count; s += 1) {
      for (int32_t ty = taps.ty.first; ty < taps.ty.first + taps.ty.count; ty += 1) {
        float *result = job->result + (c - plan->targets.first) * job->result_stride +
                        (s - plan->sources.first) * taps_of_pair +
                        ((ptrdiff_t)taps.tz * job->y_taps + ty) * job->x_taps + taps.tx.first;
        for (int32_t tx = 0; tx < taps.tx.count; tx += 1, totals += 1) {
          const float sum = (float)*totals;
          result[tx] = job->accumulate ? result[tx] + sum : sum;
        }
      }
    }
  }
}

/// All sums of some blocks of targets, sources and taps, band by band, so that a band's rows come from memory once.
static void gradient_blocks(const gradient_plan *plan, tutti_block targets, tutti_block sources, tutti_block taps) {
  const tutti_weight_gradient *job = plan->job;
  const int32_t rows = job->gradient_rows, planes = job->gradient_planes;
  double totals[GRADIENT_TILES][GRADIENT_SUMS];
  memset(totals, 0, sizeof(totals[0]) * (size_t)(targets.count * sources.count * taps.count));
  gradient_list list;
  int32_t listed = -1, listed_block = -1;  // what `list` describes: the band's first row and the block of taps along y
  for (int32_t z = 0; z < planes; z += plan->band_planes) {
    const int32_t z1 = planes - z < plan->band_planes ? planes : z + plan->band_planes;
    for (int32_t y = 0; y < rows; y += plan->band_rows) {
      const int32_t y1 = rows - y < plan->band_rows ? rows : y + plan->band_rows;
      double *total = totals[0];
      for (int32_t k = taps.first; k < taps.first + taps.count; k += 1) {
        const gradient_taps block = block_of_taps(plan, k);
        if (listed != y || listed_block != block.y_block) {
          if (plan->joined) {
            list_joined_rows(job, block.ty, y, y1, &list);
          } else {
            list_rows(job, block.ty, y, y1, &list);
          }
          listed = y, listed_block = block.y_block;
        }
        for (int32_t c = targets.first; c < targets.first + targets.count; c += 1) {
          for (int32_t s = sources.first; s < sources.first + sources.count; s += 1, total += GRADIENT_SUMS) {
            gradient_band(job, block_of_targets(plan, c), block_of_sources(plan, s), block, z, z1, &list, total);
          }
        }
      }
    }
  }
  const double *total = totals[0];
  for (int32_t k = taps.first; k < taps.first + taps.count; k += 1) {
    for (int32_t c = targets.first; c < targets.first + targets.count; c += 1) {
      for (int32_t s = sources.first; s < sources.first + sources.count; s += 1, total += GRADIENT_SUMS) {
        finish_gradient(plan, block_of_targets(plan, c), block_of_sources(plan, s), block_of_taps(plan, k), total);
      }
    }
  }
}

INLINE int32_t between(int32_t least, int32_t value, int32_t most) {
  return value < least ? least : value > most ? most : value;
}

static void weight_gradient(const tutti_weight_gradient *job, int32_t first_target, int32_t last_target,
                            int32_t first_source, int32_t last_source) {
  const tutti_block targets = {first_target, last_target - first_target};
  const tutti_block sources = {first_source, last_source - first_source};
  if (targets.count <= 0 || sources.count <= 0) return;
  const gradient_plan plan = plan_gradient(job, targets, sources);
  const int64_t channel_bytes = (int64_t)sizeof(float) * plan.band_planes * plan.band_rows * job->source_pitch + 1;
  const int32_t channels = (int32_t)(GRADIENT_CACHED / channel_bytes);
  const int32_t k_step = between(1, plan.tap_blocks, GRADIENT_TAP_BLOCKS);
  const int32_t c_step =
      between(1, between(1, channels / 2 / plan.most_targets, GRADIENT_TARGET_BLOCKS), plan.target_blocks);
  const int32_t s_step = between(1, (channels - c_step * plan.most_targets) / plan.most_sources,
                                 between(1, GRADIENT_TILES / k_step / c_step, plan.source_blocks));
  for (int32_t c = 0; c < plan.target_blocks; c += c_step) {
    for (int32_t s = 0; s < plan.source_blocks; s += s_step) {
      for (int32_t k = 0; k < plan.tap_blocks; k += k_step) {
        gradient_blocks(&plan, (tutti_block){c, between(1, c_step, plan.target_blocks - c)},
                        (tutti_block){s, between(1, s_step, plan.source_blocks - s)},
                        (tutti_block){k, between(1, k_step, plan.tap_blocks - k)});
      }
    }
  }
}
