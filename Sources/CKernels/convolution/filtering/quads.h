// Convolutions by minimal filtering F(4, 3) along y. Included by instruction_sets/kernels.h.

#include "convolution/filtering/rows.h"

/// The most entries of a plane.
static int32_t most_entries(tutti_axis map, int32_t planes) {
  int32_t most = 0;
  for (int32_t z = 0; z < planes; z += 1) {
    if (map.start[z + 1] - map.start[z] > most) most = map.start[z + 1] - map.start[z];
  }
  return most;
}

static size_t filtering_scratch(const tutti_filtering *job) {
  const filtering_plan plan = plan_run(job);
  return TUTTI_FILTERING_POINTS * ((size_t)most_entries(job->z, job->planes) * job->source_channels * plan.row +
                                   LARGEST_BLOCK * plan.sum_row + 16);
}

/// Where a quad begins.
INLINE int32_t quad_row(int32_t quad, int32_t dilation) { return quad / dilation * 4 * dilation + quad % dilation; }

/// The rows of a quad at row y, in one plane of sources (-1: zeros); false when some are zeros.
INLINE bool quad_places(const int32_t *row_of, int32_t dilation, int32_t rows, int32_t pitch, int32_t zs, int32_t y,
                        ptrdiff_t *places) {
  bool whole = true;
  for (int32_t i = 0; i < 6; i += 1) {
    const int32_t source = row_of[y + i * dilation];
    whole &= source >= 0;
    places[i] = source < 0 ? -1 : ((ptrdiff_t)zs * rows + source) * pitch;
  }
  return whole;
}

/// Six points to four whole rows, which begin with the bias or are added to what is there.
INLINE void store_quad(const vector *points, float *target, ptrdiff_t row, vector bias, const bool adds) {
  vector y[4];
  points_output(FILTERING_P, FILTERING_Q, points, y);
  UNROLL for (int i = 0; i < 4; i += 1) store(target + i * row, y[i] + (adds ? load(target + i * row) : bias));
}

/// The same, of the rows that are the image's, as far as it is wide.
INLINE void store_some(const vector *points, float *target, ptrdiff_t row, int32_t rows, int32_t count, vector bias,
                       bool adds) {
  vector y[4];
  points_output(FILTERING_P, FILTERING_Q, points, y);
  UNROLL for (int i = 0; i < 4; i += 1, target += row) {
    if (i < rows) store_first(target, y[i] + (adds ? load_first(target, count) : bias), count);
  }
}

/// Either: most quads are whole.
INLINE void store_rows(const vector *points, float *target, ptrdiff_t row, int32_t rows, int32_t count, vector bias,
                       bool adds) {
  if (rows < 4 || count < LANES) {
    store_some(points, target, row, rows, count, bias, adds);
  } else if (adds) {
    store_quad(points, target, row, bias, true);
  } else {
    store_quad(points, target, row, bias, false);
  }
}

#if FILTERING_TARGETS > 0
#include "convolution/filtering/tiles.h"
#endif

/// One quad of a plane.
typedef struct {
  int32_t z, y;
  int32_t first, entries;   // of the plane's, along z
  int32_t rows;             // that are the image's
  bool whole;               // all its source rows are there
  ptrdiff_t places[TUTTI_FILTERING_ENTRIES][6];
} filtering_quad;

static void find_quad(const tutti_filtering *job, int32_t index, filtering_quad *quad) {
  const int32_t quads = tutti_filtering_quads(job->rows, job->dilation);
  quad->z = index / quads;
  quad->y = quad_row(index % quads, job->dilation);
  quad->first = job->z.start[quad->z];
  quad->entries = job->z.start[quad->z + 1] - quad->first;
  const int32_t left = (job->rows - quad->y + job->dilation - 1) / job->dilation;
  quad->rows = left < 4 ? left : 4;
  quad->whole = true;
  for (int32_t e = 0; e < quad->entries; e += 1) {
    quad->whole &= quad_places(job->row_of, job->dilation, job->rows, job->source_pitch, job->z.source[quad->first + e],
                               quad->y, quad->places[e]);
  }
}

/// Transforms all source rows of a quad.
static void filter_quad(const tutti_filtering *job, const filtering_plan *plan, const filtering_quad *quad,
                        float *points) {
  const ptrdiff_t channel = TUTTI_FILTERING_POINTS * plan->row, begin = (ptrdiff_t)plan->first * LANES;
  for (int32_t e = 0; e < quad->entries; e += 1) {
    filter_sources(job->sources, job->source_channels, quad->places[e],
                   4 * (ptrdiff_t)job->dilation * job->source_pitch, job->first_x - plan->reach + (int32_t)begin,
                   plan->last - plan->first, points + e * job->source_channels * channel + begin, channel, plan->row);
  }
  if (job->folded_count > 0) {
    fold_rows(job, plan, (ptrdiff_t)TUTTI_FILTERING_POINTS * quad->entries * job->source_channels, points);
  }
}

/// Six points of one channel's sums to the rows of a quad.
static void filter_target(const tutti_filtering *job, const filtering_quad *quad, int32_t channel, const float *sums,
                          ptrdiff_t point) {
  const vector bias = job->bias != NULL ? (vector)job->bias[channel] : (vector)0;
  const ptrdiff_t row = (ptrdiff_t)job->dilation * job->target_pitch;
  float *target = job->targets[channel] + ((ptrdiff_t)quad->z * job->rows + quad->y) * job->target_pitch + job->first_x;
  for (int32_t x = 0; x < job->width; x += LANES) {
    const int32_t count = job->width - x < LANES ? job->width - x : LANES;
    vector m[6];
    UNROLL for (int k = 0; k < 6; k += 1) m[k] = *(const vector *)(sums + k * point + x);
    store_rows(m, target + x, row, quad->rows, count, bias, job->accumulate);
  }
}

/// The quad's sums point by point, with the tiles of a plain convolution that has one tap along y; then its rows.
static void sum_points(const tutti_filtering *job, const filtering_plan *plan, const filtering_quad *quad,
                       const float *points, float *sums) {
  const int32_t taps = job->z_taps * job->x_taps, vectors = (job->width + LANES - 1) / LANES;
  int32_t shift[TUTTI_FILTERING_X_TAPS];
  tap_entry entries[TUTTI_FILTERING_ENTRIES];
  tile_job part = {
      .taps = entries,
      .tap_count = quad->entries,
      .x_taps = job->x_taps,
      .x_shift = shift,
      .channels = job->source_channels,
      .source_channel_stride = TUTTI_FILTERING_POINTS * plan->row,
      .target_channel_stride = plan->sum_row,
      .is_cached = true,
      .tail = LANES,
  };
  const ptrdiff_t point_weights = (ptrdiff_t)job->target_channels * job->source_channels * taps;
  const ptrdiff_t point = LARGEST_BLOCK * plan->sum_row + 16;
  for (int32_t b = 0; b < tutti_block_count(job->target_channels, LARGEST_BLOCK); b += 1) {
    const tutti_block block = tutti_block_at(b, job->target_channels, LARGEST_BLOCK);
    for (int32_t e = 0; e < quad->entries; e += 1) {
      entries[e] = (tap_entry){
          .source = (ptrdiff_t)e * job->source_channels * TUTTI_FILTERING_POINTS * plan->row,
          .weight = (ptrdiff_t)job->z.tap[quad->first + e] * job->x_taps * block.count,
      };
    }
    part.weight_channel_stride = (ptrdiff_t)taps * block.count;
    const int32_t widest = widest_tile[block.count - 1][0], parts = tutti_block_count(vectors, widest);
    for (int32_t k = 0; k < TUTTI_FILTERING_POINTS; k += 1) {
      part.weights = job->weights + k * point_weights + (ptrdiff_t)block.first * job->source_channels * taps;
      for (int32_t v = 0; v < parts; v += 1) {
        const tutti_block some = tutti_block_at(v, vectors, widest);
        place_taps(job, plan, some.first, some.first + some.count, shift);
        tiles[block.count - 1][0][some.count - 1](&part, points + k * plan->row + some.first * LANES,
                                                  sums + k * point + some.first * LANES, LANES);
      }
    }
    for (int32_t c = 0; c < block.count; c += 1) {
      filter_target(job, quad, block.first + c, sums + c * plan->sum_row, point);
    }
  }
}

#if FILTERING_TARGETS > 0
/// The quad's rows out of sums of all points at once.
static void sum_quad(const tutti_filtering *job, const filtering_plan *plan, const filtering_quad *quad, bool filters,
                     const float *points) {
  int32_t shift[TUTTI_FILTERING_X_TAPS];
  for (int32_t t = 0; t < job->x_taps; t += 1) shift[t] = job->x_shift[t] + job->first_x;
  const ptrdiff_t pair = TUTTI_FILTERING_POINTS * job->z_taps * job->x_taps;
  for (int32_t b = 0; b < tutti_block_count(job->target_channels, FILTERING_TARGETS); b += 1) {
    const tutti_block block = tutti_block_at(b, job->target_channels, FILTERING_TARGETS);
    const quad_job part = {
        .sources = job->sources,
        .places = quad->places,
        .points = points,
        .ahead = 4 * (ptrdiff_t)job->dilation * job->source_pitch + job->first_x,
        .row = plan->row,
        .entries = quad->entries,
        .channels = job->source_channels,
        .z_taps = job->z_taps,
        .x_taps = job->x_taps,
        .z_tap = job->z.tap + quad->first,
        .x_shift = shift,
        .weights = job->weights + block.first * job->source_channels * pair,
        .bias = job->bias != NULL ? job->bias + block.first : NULL,
        .targets = job->targets + block.first,
        .target = ((ptrdiff_t)quad->z * job->rows + quad->y) * job->target_pitch + job->first_x,
        .target_row = (ptrdiff_t)job->dilation * job->target_pitch,
        .rows = quad->rows,
        .accumulate = job->accumulate,
    };
    for (int32_t x = 0; x < job->width; x += LANES) {
      if (!filters) place_taps(job, plan, x / LANES, x / LANES + 1, shift);
      quad_tiles[block.count - 1][filters](&part, x, job->width - x < LANES ? job->width - x : LANES);
    }
  }
}
#endif

static void filtering_run(const tutti_filtering *job, int32_t first, int32_t last, float *scratch) {
  if (job->width <= 0 || job->target_channels <= 0) return;
  const filtering_plan plan = plan_run(job);
  const int32_t entries = most_entries(job->z, job->planes);
  clear_margins(&plan, (ptrdiff_t)TUTTI_FILTERING_POINTS * entries * job->source_channels, scratch);
  float *const sums = scratch + TUTTI_FILTERING_POINTS * (ptrdiff_t)entries * job->source_channels * plan.row;
  for (int32_t i = first; i < last; i += 1) {
    filtering_quad quad;
    find_quad(job, i, &quad);
#if FILTERING_TARGETS > 0
    if (sums_points_at_once(job->target_channels, job->source_channels)) {
      const bool filters = quad.whole && job->folded_count == 0 && job->target_channels < FILTERING_TARGETS;
      if (!filters) filter_quad(job, &plan, &quad, scratch);
      sum_quad(job, &plan, &quad, filters, scratch);
      continue;
    }
#endif
    filter_quad(job, &plan, &quad, scratch);
    sum_points(job, &plan, &quad, scratch, sums);
  }
}

/// [block of targets][source][z tap][x tap][point][target in block], or [point] first of all where points are summed
/// one by one.
static void filtering_pack(const float *weights, int32_t targets, int32_t sources, int32_t first_target,
                           int32_t all_targets, int32_t first_source, int32_t all_sources, int32_t z_taps,
                           int32_t x_taps, bool transposed, float *packed) {
  const int32_t taps = z_taps * x_taps;
  const ptrdiff_t all_taps = 3 * (ptrdiff_t)taps;
  const ptrdiff_t target_stride = transposed ? all_taps : sources * all_taps;
  const ptrdiff_t source_stride = transposed ? targets * all_taps : all_taps;
  const int32_t largest = filtering_block(all_targets, all_sources);
  const bool at_once = sums_points_at_once(all_targets, all_sources);
  for (int32_t b = 0; b < tutti_block_count(all_targets, largest); b += 1) {
    const tutti_block block = tutti_block_at(b, all_targets, largest);
    const int32_t begin = first_target > block.first ? first_target : block.first;
    const int32_t block_end = block.first + block.count, part_end = first_target + targets;
    const int32_t count = (part_end < block_end ? part_end : block_end) - begin;
    if (count <= 0) continue;
    for (int32_t s = 0; s < sources; s += 1) {
      for (int32_t tap = 0; tap < taps; tap += 1) {
        const float *w = weights + (begin - first_target) * target_stride + s * source_stride +
                         (ptrdiff_t)(tap / x_taps) * 3 * x_taps + tap % x_taps;
        float lanes[3][LANES] = {{0}};
        for (int32_t c = 0; c < count; c += 1) {
          for (int32_t y = 0; y < 3; y += 1) lanes[y][c] = w[c * target_stride + (transposed ? 2 - y : y) * x_taps];
        }
        const vector column[3] = {load(lanes[0]), load(lanes[1]), load(lanes[2])};
        vector g[6];
        points_weight(FILTERING_P, FILTERING_Q, column, g);
        const size_t tap_place = ((size_t)(first_source + s) * taps + tap) * block.count, lane = begin - block.first;
        const size_t before = (size_t)block.first * all_sources * taps;
        float *to = at_once ? packed + TUTTI_FILTERING_POINTS * (before + tap_place) + lane
                            : packed + before + tap_place + lane;
        const size_t step = at_once ? (size_t)block.count : (size_t)all_targets * all_sources * taps;
        for (int32_t k = 0; k < TUTTI_FILTERING_POINTS; k += 1) {
          for (int32_t c = 0; c < count; c += 1) to[k * step + c] = g[k][c];
        }
      }
    }
  }
}
