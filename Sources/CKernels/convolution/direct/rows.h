// Rows of a convolution (or of its data gradient): which tiles work them. Included by instruction_sets/kernels.h.

enum {
  MOST_TAPS = 128,           // taps along z and y worked in one pass over a tile
  MOST_RUNS = 64,            // of congruent rows that are listed once for all planes
  CACHED_BYTES = 384 << 10,  // of source rows that all target blocks read before the next rows are begun
};

/// Vectors of a row in the widest tile, by target channels and rows; 0 where there is no such tile.
static const int8_t widest_tile[LARGEST_BLOCK][MOST_ROWS] = WIDEST_TILE;

/// How rows of one width are cut into tiles, for one size of target blocks.
typedef struct {
  int32_t group[MOST_ROWS + 1];  // rows worked jointly when so many are left, or more
  int32_t parts[MOST_ROWS + 1], narrow[MOST_ROWS + 1];  // tiles of a group and their vectors,
  int32_t wider[MOST_ROWS + 1];                         // of which so many tiles have one more
} row_plan;

/// Plans for the least cost in half cycles a tap, as multiply-adds, loads (unaligned ones count for two) or the latency
/// of the accumulators bound it.
static row_plan plan_rows(int32_t channels, int32_t vectors) {
  row_plan plan = {.group = {0}};
  int32_t best = 0, best_cost = 1;
  for (int32_t rows = 1; rows <= MOST_ROWS; rows += 1) {
    const int32_t widest = widest_tile[channels - 1][rows - 1];
    plan.group[rows] = best;
    if (widest == 0) continue;
    const int32_t parts = (vectors + widest - 1) / widest, narrow = vectors / parts, wider = vectors - narrow * parts;
    int32_t cost = 0;
    for (int32_t part = 0; part < parts; part += 1) {
      const int32_t positions = rows * (narrow + (part < wider ? 1 : 0));
      const int32_t arithmetic = channels * positions, loads = 2 * positions + channels;
      const int32_t bound = arithmetic > loads ? arithmetic : loads;
      cost += 2 + (bound > 8 ? bound : 8);
    }
    plan.parts[rows] = parts;
    plan.narrow[rows] = narrow;
    plan.wider[rows] = wider;
    if (best == 0 || cost * best <= best_cost * rows) best = rows, best_cost = cost;
    plan.group[rows] = best;
  }
  return plan;
}

/// Works `rows` congruent rows of one target block in groups.
static void block_rows(const tile_job *job, const row_plan *plan, int32_t channels, const float *source, float *target,
                       int32_t rows) {
  for (int32_t row = 0; row < rows;) {
    const int32_t group = plan->group[rows - row < MOST_ROWS ? rows - row : MOST_ROWS];
    const int32_t parts = plan->parts[group];
    ptrdiff_t x = 0;
    for (int32_t part = 0; part < parts; part += 1) {
      const int32_t vectors = plan->narrow[group] + (part < plan->wider[group] ? 1 : 0);
      tiles[channels - 1][group - 1][vectors - 1](job, source + x, target + x, part == parts - 1 ? job->tail : LANES);
      x += vectors * LANES;
    }
    source += group * job->source_row_stride;
    target += group * job->target_row_stride;
    row += group;
  }
}

/// What all rows of a call have in common: blocks of target channels, and how rows of the first and the last are cut.
typedef struct {
  int32_t blocks, first_count;
  row_plan first, last;
} call_plan;

static call_plan plan_call(const tutti_convolution *job) {
  const int32_t vectors = (job->width + LANES - 1) / LANES;
  call_plan plan = {.blocks = tutti_block_count(job->target_channels, LARGEST_BLOCK)};
  plan.first_count = tutti_block_at(0, job->target_channels, LARGEST_BLOCK).count;
  const int32_t last_count = tutti_block_at(plan.blocks - 1, job->target_channels, LARGEST_BLOCK).count;
  plan.first = plan_rows(plan.first_count, vectors);
  plan.last = last_count == plan.first_count ? plan.first : plan_rows(last_count, vectors);
  return plan;
}

/// A list of taps with weights counted in taps, as common to all blocks.
typedef struct {
  const tap_entry *taps;
  int32_t count;
} tap_list;

/// Gives a block's job the taps of a list: `scaled`, with weights counted in floats.
INLINE void scale_taps(tap_list list, int32_t channels, tile_job *job, tap_entry *scaled) {
  for (int32_t t = 0; t < list.count; t += 1) {
    scaled[t] = list.taps[t];
    scaled[t].weight *= channels;
  }
  job->tap_count = list.count;
}

/// Works congruent rows of all target blocks with the taps given, for all source channels; in strips where `z_list`
/// is not empty.
static void run_rows(const tutti_convolution *job, const call_plan *plan, const tile_job *common, tap_list list,
                     tap_list z_list, const float *source, float *target, int32_t rows, int32_t first_channel) {
  const int32_t taps = job->z_taps * job->y_taps * job->x_taps;
  const int32_t vectors = (job->width + LANES - 1) / LANES;
  int32_t together = rows;
  if (plan->blocks > 1) {
    const ptrdiff_t bytes = (ptrdiff_t)sizeof(float) * job->source_channels * job->source_pitch * job->z_taps;
    together = bytes * 14 <= CACHED_BYTES ? 12 : 6;
  }
  for (int32_t row = 0; row < rows; row += together) {
    const int32_t count = rows - row < together ? rows - row : together;
    for (int32_t b = 0; b < plan->blocks; b += 1) {
      const tutti_block block = tutti_block_at(b, job->target_channels, LARGEST_BLOCK);
      tap_entry scaled[MOST_TAPS];
      tile_job part = *common;
      part.taps = scaled;
      part.weight_channel_stride = (ptrdiff_t)taps * block.count;
      part.weights = job->weights + (ptrdiff_t)block.first * job->source_channels * taps +
                     first_channel * part.weight_channel_stride;
      part.bias = job->bias != NULL ? job->bias + block.first : NULL;
      const float *block_source = source + row * common->source_row_stride;
      float *block_target = target + row * common->target_row_stride + block.first * common->target_channel_stride;
      int32_t done = 0;
      if (z_list.count > 0) {
        scale_taps(z_list, block.count, &part, scaled);
        done = block_strips(&part, block.count, block_source, block_target, count, vectors);
      }
      if (done < count) {
        scale_taps(list, block.count, &part, scaled);
        block_rows(&part, block.count == plan->first_count ? &plan->first : &plan->last, block.count,
                   block_source + done * common->source_row_stride, block_target + done * common->target_row_stride,
                   count - done);
      }
    }
  }
}

/// Rows from `y` on, at most to `last`, whose taps are those of row y with all source rows shifted alike from one row
/// to the next; `shift` receives by how many rows.
static int32_t congruent_rows(tutti_axis map, int32_t y, int32_t last, int32_t *shift) {
  const int32_t first = map.start[y], count = map.start[y + 1] - first;
  int32_t rows = 1;
  *shift = 0;
  for (; y + rows < last; rows += 1) {
    const int32_t entry = map.start[y + rows];
    if (map.start[y + rows + 1] - entry != count) break;
    if (rows == 1 && count > 0) *shift = map.source[entry] - map.source[first];
    bool alike = true;
    for (int32_t i = 0; i < count && alike; i += 1) {
      alike = map.tap[entry + i] == map.tap[first + i] &&
              map.source[entry + i] == map.source[first + i] + rows * *shift;
    }
    if (!alike) break;
  }
  return rows;
}

/// Works rows of plane z from `y` on whose taps are congruent, `shift` source rows apart.
static void congruent_run(const tutti_convolution *job, const call_plan *plan, int32_t z, int32_t y, int32_t rows,
                          int32_t shift) {
  const int32_t z_first = job->z.start[z], z_count = job->z.start[z + 1] - z_first;
  const int32_t y_first = job->y.start[y], y_count = job->y.start[y + 1] - y_first;
  const int64_t tap_count = (int64_t)z_count * y_count;
  const int32_t first_source = job->first_source;
  const int32_t sources = job->summed_sources > 0 ? job->summed_sources : job->source_channels - first_source;
  const float *source = job->source + first_source * job->source_channel_stride + job->first_x;
  float *target = job->target + ((ptrdiff_t)z * job->target_rows + y) * job->target_pitch + job->first_x;
  tile_job common = {
      .x_taps = job->x_taps,
      .x_shift = job->x_shift,
      .channels = sources,
      .source_channel_stride = job->source_channel_stride,
      .source_row_stride = (ptrdiff_t)shift * job->source_pitch,
      .target_channel_stride = job->target_channel_stride,
      .target_row_stride = job->target_pitch,
      .accumulate = job->accumulate,
      .is_cached = job->is_cached,
      .tail = (job->width - 1) % LANES + 1,
  };
  tap_entry taps[MOST_TAPS], z_taps[MOST_TAPS];
  // More taps than fit in one pass: channel by channel and part by part, so that the order of summation stays.
  const bool one_pass = tap_count <= MOST_TAPS;
  const int32_t passes = one_pass || sources == 0 ? 1 : sources;
  for (int32_t pass = 0; pass < passes; pass += 1) {
    if (!one_pass) common.channels = sources == 0 ? 0 : 1;
    int64_t t = 0;
    do {
      int32_t n = 0;
      for (; t < tap_count && n < MOST_TAPS; t += 1, n += 1) {
        const int32_t zi = z_first + (int32_t)t / y_count, yi = y_first + (int32_t)t % y_count;
        taps[n].source = ((ptrdiff_t)job->z.source[zi] * job->source_rows + job->y.source[yi]) * job->source_pitch;
        taps[n].weight = (job->z.tap[zi] * job->y_taps + job->y.tap[yi]) * job->x_taps;
        taps[n].fetches = !job->is_cached && yi + 1 == y_first + y_count;
        if (n > 0) taps[n - 1].next = taps[n].source;
      }
      if (n > 0) taps[n - 1].next = taps[0].source + job->source_channel_stride;
      const tap_list list = {taps, n};
      const float *pass_source = source + pass * job->source_channel_stride;
      const int32_t step = one_pass && shift == 1 ? strip_step(job, y) : 0, distance = step < 0 ? -step : step;
      if (step == 0 || rows < 2 * distance) {
        run_rows(job, plan, &common, list, (tap_list){z_taps, 0}, pass_source, target, rows, first_source + pass);
      } else {
        // Rows `distance` apart are worked jointly, in the direction in which the source rows of the taps rise.
        for (int32_t i = 0; i < z_count; i += 1) {
          z_taps[i] = taps[3 * i];
          z_taps[i].next = i + 1 < z_count ? taps[3 * i + 3].source : taps[0].source + job->source_channel_stride;
        }
        tile_job chain = common;
        chain.source_row_stride = (ptrdiff_t)step * job->source_pitch;
        chain.target_row_stride = (ptrdiff_t)step * job->target_pitch;
        for (int32_t i = 0; i < distance; i += 1) {
          const int32_t length = (rows - i + distance - 1) / distance;
          const ptrdiff_t first = step > 0 ? i : rows - 1 - i;
          run_rows(job, plan, &chain, list, (tap_list){z_taps, z_count}, pass_source + first * job->source_pitch,
                   target + first * job->target_pitch, length, first_source + pass);
        }
      }
      common.accumulate = true;
    } while (t < tap_count);
  }
}

/// Congruent rows first ..< last of a plane.
typedef struct {
  int32_t first, last, shift;
} row_run;

/// Lists the runs of rows first ..< last, as many as fit; returns how many.
static int32_t list_runs(tutti_axis map, int32_t first, int32_t last, row_run *runs) {
  int32_t count = 0;
  for (int32_t y = first; y < last && count < MOST_RUNS; count += 1) {
    row_run *run = &runs[count];
    run->first = y;
    run->last = y += congruent_rows(map, y, last, &run->shift);
  }
  return count;
}

static void convolution_rows(const tutti_convolution *job, int32_t first_row, int32_t last_row) {
  if (job->width <= 0 || job->target_channels <= 0 || first_row >= last_row) return;
  const call_plan plan = plan_call(job);
  // All planes have the same runs; those of a part of a plane are parts of them.
  const int32_t ny = job->target_rows, first_y = first_row % ny;
  const bool whole = first_y + (last_row - first_row) > ny;
  row_run runs[MOST_RUNS];
  const int32_t begin = whole ? 0 : first_y, end = whole ? ny : first_y + last_row - first_row;
  const int32_t count = list_runs(job->y, begin, end, runs), listed = count > 0 ? runs[count - 1].last : begin;
  for (int32_t row = first_row; row < last_row;) {
    const int32_t z = row / ny, y = row % ny, last = ny - y < last_row - row ? ny : y + last_row - row;
    for (int32_t r = 0; r < count; r += 1) {
      const int32_t from = runs[r].first > y ? runs[r].first : y, to = runs[r].last < last ? runs[r].last : last;
      if (from < to) congruent_run(job, &plan, z, from, to - from, runs[r].shift);
    }
    for (int32_t from = y > listed ? y : listed; from < last;) {
      int32_t shift;
      const int32_t rows = congruent_rows(job->y, from, last, &shift);
      congruent_run(job, &plan, z, from, rows, shift);
      from += rows;
    }
    row += last - y;
  }
}
