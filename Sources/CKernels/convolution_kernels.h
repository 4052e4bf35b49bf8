// The convolution kernels, written for vectors of LANES floats. Not a header of its own: convolution_<isa>.c includes
// it once for each instruction set, after defining `vector`, its loads and stores, the tiles that fit its registers
// and the name of the resulting table.

#define INLINE static inline __attribute__((always_inline))
#define UNROLL _Pragma("clang loop unroll(full)")
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
  MOST_TAPS = 128,   // taps along z and y worked in one pass over a tile
  CACHED_BYTES = 384 << 10,  // of source rows that all target blocks read before the next rows are begun
};

INLINE vector load(const float *p) { return *(const unaligned_vector *)p; }

INLINE void store(float *p, vector v) { *(unaligned_vector *)p = v; }

// MARK: Convolution

/// A pair of taps along z and y for the rows at hand: where its source row lies from the tile's first pixel, where the
/// next pair's does (the last pair's next is the first one in the next channel), and its weights in a channel's block.
typedef struct {
  ptrdiff_t source, next;
  ptrdiff_t weight;
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

/// The register tile: `channels` × `rows` × `vectors` accumulators stay in registers over all source channels and taps.
/// A tap loads rows × vectors source vectors, shifted and so unaligned, and broadcasts `channels` weights:
///
///                      source vectors  s0   s1   s2   s3     (row 0: s0 s1, row 1: s2 s3)
///             weight w0 (broadcast)    a00  a01  a02  a03    a[c][i] += w[c] * s[i]
///             weight w1                a10  a11  a12  a13
///             weight w2                a20  a21  a22  a23
INLINE void tile(const int channels, const int rows, const int vectors, const tile_job *job, const float *source,
                 float *target, int32_t tail) {
  const int positions = rows * vectors;
  vector a[MOST_SUMS];
  begin_sums(channels, rows, vectors, job, target, tail, a);
  const ptrdiff_t source_row = job->source_row_stride;
  const tap_entry *const last = job->taps + job->tap_count;
  const int32_t *const x_shift = job->x_shift, *const last_shift = x_shift + job->x_taps;
  const float *weights = job->weights;
  for (int32_t ci = 0; ci < job->channels; ci += 1) {
    _Pragma("clang loop unroll(disable)") for (const tap_entry *tap = job->taps; tap < last; tap += 1) {
      // The next rows come from the second cache while these are worked; a shifted vector lies in two lines of it.
      const float *next = source + tap->next;
      UNROLL for (int i = 0; i < rows * (vectors + 1); i += 1) {
        __builtin_prefetch(next + (i / (vectors + 1)) * source_row + (i % (vectors + 1)) * LANES);
      }
      const float *w = weights + tap->weight;
      const float *row = source + tap->source;
      _Pragma("clang loop unroll(disable)") for (const int32_t *shift = x_shift; shift < last_shift; shift += 1) {
        const float *s = row + *shift;
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
        w += channels;
      }
    }
    source += job->source_channel_stride;
    weights += job->weight_channel_stride;
  }
  finish_sums(channels, rows, vectors, job, target, tail, a);
}

/// The strip: a tile whose rows lie as far apart as its three taps along y (the dilation), so that a source row serves
/// up to three target rows and is loaded once for all of them. Needs 3 taps along y; `job->taps` lists those along z.
///
///     source row   0        1          2          3          4        5      (rows + 2 of them)
///     target row   0 ty 0   0 ty 1     0 ty 2                                a pixel still takes its taps in rising
///                           1 ty 0     1 ty 1     1 ty 2                     order, since source rows rise with ty
///                                      2 ty 0     2 ty 1     2 ty 2
INLINE void strip(const int channels, const int rows, const int vectors, const tile_job *job, const float *source,
                  float *target, int32_t tail) {
  vector a[MOST_SUMS];
  begin_sums(channels, rows, vectors, job, target, tail, a);
  const ptrdiff_t source_row = job->source_row_stride;
  const tap_entry *const last = job->taps + job->tap_count;
  const int32_t *const x_shift = job->x_shift;
  const ptrdiff_t x_taps = job->x_taps, y_weights = x_taps * channels;
  const float *weights = job->weights;
  for (int32_t ci = 0; ci < job->channels; ci += 1) {
    _Pragma("clang loop unroll(disable)") for (const tap_entry *tap = job->taps; tap < last; tap += 1) {
      const float *row = source + tap->source, *next = source + tap->next;
      UNROLL for (int i = 0; i < rows + 2; i += 1, row += source_row, next += source_row) {
        UNROLL for (int v = 0; v <= vectors; v += 1) __builtin_prefetch(next + v * LANES);
        const float *w = weights + tap->weight;
        _Pragma("clang loop unroll(disable)") for (ptrdiff_t tx = 0; tx < x_taps; tx += 1, w += channels) {
          const float *s = row + x_shift[tx];
          vector u[MOST_VECTORS];
          UNROLL for (int v = 0; v < vectors; v += 1) u[v] = load(s + v * LANES);
          UNROLL for (int ty = 0; ty < 3; ty += 1) {
            const int r = i - ty;
            if (r < 0 || r >= rows) continue;
            UNROLL for (int c = 0; c < channels; c += 1) {
              const vector b = (vector)w[ty * y_weights + c];
              UNROLL for (int v = 0; v < vectors; v += 1) {
                vector *sum = &a[(c * rows + r) * vectors + v];
                *sum = multiply_add(b, u[v], *sum);
              }
            }
          }
        }
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

#define STRIP(C, R, V)                                                                                       \
  static void strip_##C##_##V(const tile_job *job, const float *source, float *target, int32_t tail) {       \
    strip(C, R, V, job, source, target, tail);                                                               \
  }
STRIPS(STRIP)
#undef STRIP

static const tile_function strips[MOST_STRIP_CHANNELS][MOST_VECTORS] = {
#define STRIP(C, R, V) [C - 1][V - 1] = strip_##C##_##V,
    STRIPS(STRIP)
#undef STRIP
};

/// Rows and most vectors of a strip, by target channels.
static const int8_t strip_rows[MOST_STRIP_CHANNELS] = STRIP_ROWS;
static const int8_t widest_strip[MOST_STRIP_CHANNELS] = WIDEST_STRIP;

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

/// Works as many rows of one target block as fill strips; returns how many.
static int32_t block_strips(const tile_job *job, int32_t channels, const float *source, float *target, int32_t rows,
                            int32_t vectors) {
  const int32_t height = strip_rows[channels - 1], widest = widest_strip[channels - 1];
  const int32_t parts = (vectors + widest - 1) / widest, narrow = vectors / parts, wider = vectors - narrow * parts;
  int32_t row = 0;
  for (; row + height <= rows; row += height) {
    ptrdiff_t x = 0;
    for (int32_t part = 0; part < parts; part += 1) {
      const int32_t width = narrow + (part < wider ? 1 : 0);
      strips[channels - 1][width - 1](job, source + x, target + x, part == parts - 1 ? job->tail : LANES);
      x += width * LANES;
    }
    source += height * job->source_row_stride;
    target += height * job->target_row_stride;
  }
  return row;
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
static void run_rows(const tutti_convolution *job, const tile_job *common, tap_list list, tap_list z_list,
                     const float *source, float *target, int32_t rows, int32_t first_channel) {
  const int32_t taps = job->z_taps * job->y_taps * job->x_taps;
  const int32_t vectors = (job->width + LANES - 1) / LANES;
  const int32_t blocks = tutti_block_count(job->target_channels, LARGEST_BLOCK);
  const tutti_block first_block = tutti_block_at(0, job->target_channels, LARGEST_BLOCK);
  const tutti_block last_block = tutti_block_at(blocks - 1, job->target_channels, LARGEST_BLOCK);
  const row_plan first_plan = plan_rows(first_block.count, vectors);
  const row_plan last_plan = blocks > 1 ? plan_rows(last_block.count, vectors) : first_plan;
  int32_t together = rows;
  if (blocks > 1) {
    const ptrdiff_t bytes = (ptrdiff_t)sizeof(float) * job->source_channels * job->source_pitch * job->z_taps;
    together = bytes * 14 <= CACHED_BYTES ? 12 : 6;
  }
  for (int32_t row = 0; row < rows; row += together) {
    const int32_t count = rows - row < together ? rows - row : together;
    for (int32_t b = 0; b < blocks; b += 1) {
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
        block_rows(&part, block.count == first_block.count ? &first_plan : &last_plan, block.count,
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

/// The distance of row y's three source rows when these are equally spaced taps 0, 1, 2 and target channels are so few
/// that strips pay (10 to 1 channels: 63 GFLOP/s, 40 in tiles); else 0.
static int32_t strip_step(const tutti_convolution *job, int32_t y) {
  const int32_t first = job->y.start[y];
  if (job->target_channels > MOST_STRIP_CHANNELS || job->y_taps != 3 || job->y.start[y + 1] - first != 3) return 0;
  const int32_t *tap = job->y.tap + first, *source = job->y.source + first;
  if (tap[0] != 0 || tap[1] != 1 || tap[2] != 2) return 0;
  return source[1] - source[0] == source[2] - source[1] ? source[1] - source[0] : 0;
}

/// Works rows of plane z from `y` on whose taps are congruent, `shift` source rows apart.
static void congruent_run(const tutti_convolution *job, int32_t z, int32_t y, int32_t rows, int32_t shift) {
  const int32_t z_first = job->z.start[z], z_count = job->z.start[z + 1] - z_first;
  const int32_t y_first = job->y.start[y], y_count = job->y.start[y + 1] - y_first;
  const int64_t tap_count = (int64_t)z_count * y_count;
  const float *source = job->source + job->first_x;
  float *target = job->target + ((ptrdiff_t)z * job->target_rows + y) * job->target_pitch + job->first_x;
  tile_job common = {
      .x_taps = job->x_taps,
      .x_shift = job->x_shift,
      .channels = job->source_channels,
      .source_channel_stride = job->source_channel_stride,
      .source_row_stride = (ptrdiff_t)shift * job->source_pitch,
      .target_channel_stride = job->target_channel_stride,
      .target_row_stride = job->target_pitch,
      .accumulate = job->accumulate,
      .tail = (job->width - 1) % LANES + 1,
  };
  tap_entry taps[MOST_TAPS], z_taps[MOST_TAPS];
  // More taps than fit in one pass: channel by channel and part by part, so that the order of summation stays.
  const bool one_pass = tap_count <= MOST_TAPS;
  const int32_t passes = one_pass || job->source_channels == 0 ? 1 : job->source_channels;
  for (int32_t pass = 0; pass < passes; pass += 1) {
    if (!one_pass) common.channels = job->source_channels == 0 ? 0 : 1;
    int64_t t = 0;
    do {
      int32_t n = 0;
      for (; t < tap_count && n < MOST_TAPS; t += 1, n += 1) {
        const int32_t zi = z_first + (int32_t)t / y_count, yi = y_first + (int32_t)t % y_count;
        taps[n].source = ((ptrdiff_t)job->z.source[zi] * job->source_rows + job->y.source[yi]) * job->source_pitch;
        taps[n].weight = (job->z.tap[zi] * job->y_taps + job->y.tap[yi]) * job->x_taps;
        if (n > 0) taps[n - 1].next = taps[n].source;
      }
      if (n > 0) taps[n - 1].next = taps[0].source + job->source_channel_stride;
      const tap_list list = {taps, n};
      const float *pass_source = source + pass * job->source_channel_stride;
      const int32_t step = one_pass && shift == 1 ? strip_step(job, y) : 0, distance = step < 0 ? -step : step;
      if (step == 0 || rows < 2 * distance) {
        run_rows(job, &common, list, (tap_list){z_taps, 0}, pass_source, target, rows, pass);
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
          run_rows(job, &chain, list, (tap_list){z_taps, z_count}, pass_source + first * job->source_pitch,
                   target + first * job->target_pitch, length, pass);
        }
      }
      common.accumulate = true;
    } while (t < tap_count);
  }
}

static void convolution_rows(const tutti_convolution *job, int32_t first_row, int32_t last_row) {
  if (job->width <= 0 || job->target_channels <= 0) return;
  for (int32_t row = first_row; row < last_row;) {
    const int32_t z = row / job->target_rows, y = row % job->target_rows;
    const int32_t in_plane = job->target_rows - y < last_row - row ? job->target_rows - y : last_row - row;
    int32_t shift;
    const int32_t rows = congruent_rows(job->y, y, y + in_plane, &shift);
    congruent_run(job, z, y, rows, shift);
    row += rows;
  }
}

// MARK: Weight gradient

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

const tutti_convolution_kernels KERNELS = {LARGEST_BLOCK, convolution_rows, weight_gradient};
